"""A seat takes the next caller: its telephone rings, tells the summary, and both meet; a third may join."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.problems import Problem, Unavailable
from desk.orders.model import Line
from desk.personal_data.looks import Purpose
from ivr.flow import CallBack, ComeBack, Confer, Ended, HangUp, Instruction, Listen, Returned, Say, Why
from ivr.people import keeping, seats, talks, tasks, waits
from ivr.people.figures import figures
from ivr.people.tables import waits as wait_table
from ivr.people.talks import Offer, Talk
from ivr.people.tasks import Done, Result
from tests.unit.ivr.people.conftest import DISPATCHER, OTHER, SEAT, Room

pytestmark = pytest.mark.unit

DRAFT = {"text": "楼下烧烤店音响太吵，老人睡不着", "category": "09", "area_code": "421202001", "contact_phone": None}


def words(instructions: tuple[Instruction, ...]) -> str:
    return "".join(each.text for each in instructions if isinstance(each, Say))


async def next_one(room: Room, line: Line = Line.CITIZEN) -> Offer:
    offer = await room.switchboard.next(line, SEAT.name)
    assert offer is not None
    return offer


async def answer(room: Room, pressed: str | None = None, call_sid: str = "CA-seat") -> tuple[Instruction, ...]:
    return await room.switchboard.hear(room.carrier.token, call_sid, pressed)


async def talking(room: Room) -> Offer:
    """A seat and a caller who talk."""
    offer = await next_one(room)
    await answer(room)
    await answer(room, "1")
    return offer


def state_of(room: Room, call_sid: str) -> str:
    query = select(wait_table.c.state).where(wait_table.c.call_sid == call_sid)
    found: str = room.do(lambda c, _: c.execute(query).scalar_one())
    return found


def talk_of(room: Room, offer: Offer) -> Talk:
    return room.do(lambda c, _: talks.find(c, offer.talk, SEAT))


async def test_the_seats_telephone_tells_the_summary_and_meets_the_caller_in_a_room(room: Room) -> None:
    room.on_duty()
    room.said("CA1", "楼下太吵", DRAFT)
    room.enter("CA1")
    room.clock.forward(timedelta(seconds=70))

    offer = await next_one(room)
    assert (offer.caller, offer.waited_seconds) == ("+86139****1234", 70)
    assert room.carrier.rung[0][0] == "sip:801@pbx.example.gov.cn"

    heard = await answer(room)
    assert words(heard) == offer.summary + "按任意键接听。"
    assert "民生热线来电，已等1分钟。" in offer.summary
    assert "温泉街道。楼下烧烤店音响太吵，老人睡不着。还缺地点、联系电话。" in offer.summary
    assert isinstance(heard[-1], Listen)
    assert state_of(room, "CA1") == "offered"

    [into_room] = await answer(room, "5")
    [(call_sid, url)] = room.carrier.brought
    assert call_sid == "CA1"
    assert "/join/" in url
    assert await room.switchboard.hear(url.rpartition("/")[2], "CA1", None) == (into_room,)
    assert isinstance(into_room, Confer)
    assert into_room.ends
    assert talk_of(room, offer).joined_at is not None


async def test_a_repeated_request_of_the_carrier_brings_nobody_twice(room: Room) -> None:
    room.on_duty()
    room.enter("CA1")
    await talking(room)
    again = await answer(room, "1")
    assert isinstance(again[-1], Confer)
    assert len(room.carrier.brought) == 1


async def test_a_repeated_wish_rings_no_second_time(room: Room) -> None:
    room.on_duty()
    room.enter("CA1")
    assert await next_one(room) == await next_one(room)
    assert len(room.carrier.rung) == 1


async def test_nobody_waits_and_nobody_rings(room: Room) -> None:
    room.on_duty()
    assert await room.switchboard.next(Line.CITIZEN, SEAT.name) is None
    assert room.carrier.rung == []


async def test_a_seat_takes_calls_only_on_duty_not_paused_and_on_its_lines(room: Room) -> None:
    with pytest.raises(Problem, match="not on duty"):
        await next_one(room)
    room.on_duty()
    with pytest.raises(Problem, match="on duty for citizen"):
        await next_one(room, Line.ENTERPRISE)
    room.do(lambda c, now: seats.set_state(c, room.rules, SEAT.name, seats.SeatState.PAUSED, now))
    with pytest.raises(Problem, match="paused"):
        await next_one(room)


async def test_two_seats_get_different_callers(room: Room) -> None:
    room.on_duty()
    room.on_duty(OTHER)
    room.enter("CA1", "+8613907240001")
    room.enter("CA2", "+8613907240002")
    first = await next_one(room)
    second = await room.switchboard.next(Line.CITIZEN, OTHER.name)
    assert second is not None
    assert (first.caller, second.caller) == ("+86139****0001", "+86139****0002")
    assert await room.switchboard.next(Line.CITIZEN, OTHER.name) == second


async def test_no_key_means_nobody_took_the_call_and_the_caller_is_next_again(room: Room) -> None:
    room.on_duty()
    room.enter("CA1")
    await next_one(room)
    assert isinstance((await answer(room))[-1], Listen)
    assert isinstance((await answer(room))[-1], Listen)
    assert words(await answer(room)) == "没有接听，来电人回到队列。"
    assert state_of(room, "CA1") == "waiting"
    assert (await next_one(room)).caller == "+86139****1234"


@pytest.mark.parametrize("times", [1, 2])
async def test_a_telephone_that_is_not_taken_up_gives_the_caller_back(room: Room, times: int) -> None:
    room.on_duty()
    room.enter("CA1")
    await next_one(room)
    for _ in range(times):
        await room.switchboard.ended("CA-out-1")
    assert state_of(room, "CA1") == "waiting"
    assert room.do(lambda c, _: talks.current(c, SEAT.name)) is None


async def test_a_caller_who_has_hung_up_meanwhile_is_not_brought(room: Room) -> None:
    room.on_duty()
    state = room.enter("CA1")
    await next_one(room)
    await answer(room)
    room.do(lambda c, now: waits.hung_up(c, state, now))
    assert words(await answer(room, "1")) == "来电人已经挂机。"
    assert room.carrier.brought == []
    [task] = room.do(lambda c, now: tasks.list_tasks(c, room.rules, now))
    assert task.why is Why.LEFT_WAITING


async def test_a_carrier_that_does_not_ring_gives_the_caller_back(room: Room) -> None:
    room.on_duty()
    room.enter("CA1")
    room.carrier.down = True
    with pytest.raises(Unavailable):
        await next_one(room)
    assert state_of(room, "CA1") == "waiting"


async def test_a_carrier_that_does_not_bring_the_caller_lets_them_wait_on(room: Room) -> None:
    room.on_duty()
    room.enter("CA1")
    await next_one(room)
    await answer(room)
    room.carrier.down = True
    heard = await answer(room, "1")
    assert words(heard) == "没有接通，请稍后再试。"
    assert heard[-1] == HangUp()
    assert state_of(room, "CA1") == "waiting"


async def test_without_the_key_the_summary_is_followed_by_the_room_at_once(room: Room) -> None:
    room.on_duty()
    room.enter("CA1")
    room.rules = replace(room.rules, seats=room.rules.seats.model_copy(update={"press_to_take": False}))
    await next_one(room)
    assert (await answer(room))[-1] == ComeBack()
    assert isinstance((await answer(room))[-1], Confer)


async def test_the_talk_ends_with_the_seat_or_with_the_caller(room: Room) -> None:
    room.on_duty()
    state = room.enter("CA1")
    first = await talking(room)
    room.clock.forward(timedelta(seconds=90))
    room.do(lambda c, now: waits.returned(c, state, Returned(Ended.TALKED), now))
    await room.switchboard.ended("CA-out-1")
    assert talk_of(room, first).how == "talked"
    assert room.do(lambda c, now: waits.talk_seconds(c, Line.CITIZEN, now)) == 90


async def test_a_specialist_is_rung_into_the_talk_and_may_leave_it(room: Room) -> None:
    room.on_duty(lines=(Line.ENTERPRISE,))
    room.enter("CA1", line=Line.ENTERPRISE)
    offer = await next_one(room, Line.ENTERPRISE)
    with pytest.raises(Problem, match="nobody is in talk"):
        await room.switchboard.invite(offer.talk, "用地", SEAT)
    await answer(room)
    [seats_room] = await answer(room, "1")
    with pytest.raises(Problem, match="证照办理、项目审批、用地"):
        await room.switchboard.invite(offer.talk, "天气", SEAT)
    with pytest.raises(Problem, match="names no number"):
        await room.switchboard.invite(offer.talk, "证照办理", SEAT)

    await room.switchboard.invite(offer.talk, "用地", SEAT)
    await room.switchboard.invite(offer.talk, "用地", SEAT)
    assert [to for to, _ in room.carrier.rung] == ["sip:801@pbx.example.gov.cn", "+8607158888001"]
    assert words(await answer(room, call_sid="CA-spec")).startswith("咸宁12345请您加入三方通话，用地。")
    [their_room] = await answer(room, "1", "CA-spec")
    assert isinstance(seats_room, Confer)
    assert isinstance(their_room, Confer)
    assert (their_room.room, their_room.ends) == (seats_room.room, False)
    await room.switchboard.ended("CA-out-2")
    talk = talk_of(room, offer)
    assert talk.over_at is None
    assert [(each.kind, each.state) for each in talk.people if each.kind == "specialist"] == [("specialist", "over")]


async def test_a_kept_place_is_offered_before_those_who_came_later_and_the_caller_is_rung(room: Room) -> None:
    room.on_duty()
    state = room.enter("CA1", "+8613907240001")
    room.do(lambda c, now: waits.returned(c, state, Returned(Ended.CALL_BACK), now))
    room.do(lambda c, now: tasks.make_task(c, CallBack(Why.KEEPS_PLACE), state, now))
    room.clock.forward(timedelta(minutes=1))
    room.enter("CA2", "+8613907240002")

    offer = await next_one(room)
    assert (offer.task, offer.why) == (1, Why.KEEPS_PLACE)
    assert "回拨任务，民生热线，来电人选择回拨并保留位置。" in words(await answer(room))
    heard = await answer(room, "1")
    assert words(heard) == "正在呼叫来电人，请稍候。"
    assert room.carrier.rung[-1][0] == "+8613907240001"
    greeted = await answer(room, call_sid="CA-citizen")
    assert words(greeted) == "您好，这里是咸宁12345，现在由工作人员给您回电。"
    assert greeted[-1] == heard[-1]
    done = room.do(lambda c, now: talks.fill_in(c, offer.talk, Done(result=Result.ANSWERED, note="已说明"), SEAT, now))
    assert done.result == "answered"
    assert room.do(lambda c, now: tasks.list_tasks(c, room.rules, now)) == []


async def test_a_caller_who_does_not_answer_is_still_to_be_called_and_the_seat_is_let_go(room: Room) -> None:
    room.on_duty()
    room.do(lambda c, now: tasks.missed_call(c, "+8613907240001", "CA1", now))
    await room.switchboard.call_back(1, SEAT.name)
    await answer(room)
    await answer(room, "1")
    await room.switchboard.ended("CA-out-2")
    assert room.carrier.ended == ["CA-seat"] or room.carrier.ended == ["CA-out-1"]
    [task] = room.do(lambda c, now: tasks.list_tasks(c, room.rules, now))
    assert (task.state, task.taken_by) == ("taken", SEAT.name)
    assert room.do(lambda c, _: talks.current(c, SEAT.name)) is None


async def test_who_calls_again_and_talks_needs_no_call_back(room: Room) -> None:
    room.on_duty()
    room.do(lambda c, now: tasks.missed_call(c, "+8613907240001", "CA1", now))
    room.enter("CA2", "+8613907240001")
    await talking(room)
    assert room.do(lambda c, now: tasks.find(c, room.rules, 1, now)).result == "called_again"


async def test_the_transcript_is_for_the_seat_of_the_talk_and_those_who_oversee(room: Room) -> None:
    room.on_duty()
    room.said("CA1", "楼下太吵", DRAFT)
    room.enter("CA1")
    offer = await talking(room)
    shown = room.do(lambda c, now: talks.transcript(c, offer.talk, SEAT, Purpose.HANDLE, None, now))
    assert (shown.said[0].text, shown.draft) == ("楼下太吵", DRAFT)
    room.do(lambda c, now: talks.transcript(c, offer.talk, DISPATCHER, Purpose.SUPERVISE, None, now))
    with pytest.raises(Problem, match="no talk"):
        room.do(lambda c, now: talks.transcript(c, offer.talk, OTHER, Purpose.HANDLE, None, now))


async def test_a_seat_that_ends_its_talk_lets_everybody_go(room: Room) -> None:
    room.on_duty()
    room.enter("CA1")
    offer = await talking(room)
    assert (await room.switchboard.end(offer.talk, SEAT)).how == "ended_by_seat"
    assert room.carrier.ended == ["CA-out-1"] or room.carrier.ended == ["CA-seat"]
    assert state_of(room, "CA1") == "over"


async def test_an_unknown_token_hears_nothing(room: Room) -> None:
    assert await room.switchboard.hear("guess", "CA9", "1") == (HangUp(),)


async def test_a_talk_nobody_told_the_end_of_is_ended(room: Room) -> None:
    room.on_duty()
    room.enter("CA1")
    await next_one(room)
    room.clock.forward(timedelta(minutes=6))
    assert room.do(lambda c, now: keeping.tidy(c, room.rules, now)).talks == 1
    assert state_of(room, "CA1") == "waiting"


async def test_the_figures_tell_who_was_answered_in_time_and_who_gave_up(room: Room) -> None:
    room.on_duty()
    room.enter("CA1", "+8613907240001")
    room.clock.forward(timedelta(seconds=15))
    await talking(room)
    room.do(lambda c, now: waits.leave(c, "CA1", "talked", now))
    gone = room.enter("CA2", "+8613907240002")
    room.do(lambda c, now: waits.hung_up(c, gone, now))
    room.enter("CA3", "+8613907240003")
    room.clock.forward(timedelta(seconds=50))
    shown = room.do(lambda c, now: figures(c, room.rules, now))
    line = shown.lines[0]
    assert (line.waiting, line.longest_wait_seconds, line.entered, line.seats) == (1, 50, 3, 1)
    assert (line.answered, line.answered_in_time, line.abandoned) == (1, 1, 1)
    assert (line.answered_share, line.in_time_share, line.mean_wait_seconds) == (0.5, 0.5, 15)
    assert (shown.tasks_open, shown.tasks_late) == (1, 0)
