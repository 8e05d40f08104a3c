"""The queue, with webhooks that come twice, late, or never."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from desk.orders.model import Line
from ivr.flow import CallBack, CallState, Ended, FindSeat, LeaveQueue, Returned, Say, SeatFound, Where, Why
from ivr.people import keeping, seats, tasks, waits
from ivr.people.tables import waits as wait_table
from ivr.people.tasks import Task
from tests.unit.ivr.people.conftest import OTHER, SEAT, Room, calling

pytestmark = pytest.mark.unit


def found(room: Room, state: CallState, line: str = "citizen", dialect: str | None = None) -> SeatFound:
    need = FindSeat(line, dialect)
    return room.do(lambda c, now: waits.find_seat(c, room.rules, room.rules.calendar, need, state, now))


def heard(room: Room, call_sid: str, pressed: str | None = None) -> str:
    """What a waiting caller hears; with `|` where the queue is left."""
    instructions = room.do(lambda c, now: waits.waiting(c, room.rules, call_sid, pressed, now))
    said = "".join(each.text for each in instructions if isinstance(each, Say))
    return said + ("|" if LeaveQueue() in instructions else "")


def open_tasks(room: Room) -> list[Task]:
    return room.do(lambda c, now: tasks.list_tasks(c, room.rules, now))


def test_a_caller_learns_place_and_queue(room: Room) -> None:
    room.on_duty()
    room.enter("CA1", "+8613907240001")
    assert found(room, calling("CA2", "+8613907240002")) == SeatFound(queue="citizen", position=2)


def test_without_anybody_on_duty_there_is_nobody_to_wait_for(room: Room) -> None:
    assert found(room, calling("CA1")) == SeatFound()


def test_a_seat_of_which_nothing_is_heard_is_not_on_duty(room: Room) -> None:
    room.on_duty()
    room.clock.forward(timedelta(minutes=2))
    assert found(room, calling("CA1")) == SeatFound()


def test_outside_office_hours_the_enterprise_line_tells_when_it_opens(room: Room) -> None:
    room.on_duty(lines=(Line.ENTERPRISE,))
    room.clock.forward(timedelta(hours=10))
    assert found(room, calling("CA1"), "enterprise") == SeatFound(opens="明天上午8点半")


def test_a_line_without_a_queue_of_its_own_is_the_citizens(room: Room) -> None:
    room.on_duty()
    assert found(room, calling("CA1"), "finance").queue == "citizen"


def test_a_full_queue_takes_nobody(room: Room) -> None:
    room.on_duty()
    lines = {
        **room.rules.seats.lines,
        Line.CITIZEN: room.rules.seats.lines[Line.CITIZEN].model_copy(update={"full": 1}),
    }
    room.rules = replace(room.rules, seats=room.rules.seats.model_copy(update={"lines": lines}))
    room.enter("CA1", "+8613907240001")
    assert found(room, calling("CA2", "+8613907240002")) == SeatFound()


def test_the_leaders_line_rings_the_leaders_seat(room: Room) -> None:
    room.on_duty(lines=(Line.LEADER,))
    assert found(room, calling("CA1"), "leader") == SeatFound(number="sip:801@pbx.example.gov.cn")


def test_a_dialect_that_is_spoken_now_can_be_chosen_and_one_that_is_not_keeps_nobody_out(room: Room) -> None:
    room.on_duty()
    assert found(room, calling("CA1")).dialects == ()
    room.on_duty(OTHER, "咸宁话")
    assert found(room, calling("CA1")).dialects == ("咸宁话",)
    assert found(room, calling("CA1"), dialect="湖南话").queue == "citizen"
    room.enter("CA1", dialect="湖南话")
    assert heard(room, "CA1").startswith("会说湖南话的坐席现在不在岗")


def test_who_chose_mandarin_is_told_nothing_of_dialects(room: Room) -> None:
    room.on_duty()
    room.enter("CA1", dialect="普通话")
    assert heard(room, "CA1") == "您是下一位。不想等了，请按井号。"


def test_an_elder_number_stands_before_others(room: Room) -> None:
    room.on_duty()
    room.enter("CA1", "+8613907240001")
    room.clock.forward(timedelta(minutes=1))
    assert found(room, calling("CA2", "+8613907240002", elder=True)).position == 1
    room.enter("CA2", "+8613907240002", elder=True)
    assert heard(room, "CA1").startswith("您前面还有1位。")


def test_a_doubled_step_enters_once(room: Room) -> None:
    room.on_duty()
    for _ in range(2):
        room.enter("CA1")
    room.do(lambda c, now: waits.returned(c, calling("CA1"), Returned(Ended.LEFT), now))
    room.enter("CA1")
    assert len(room.do(lambda c, _: c.execute(select(wait_table)).all())) == 1


def test_who_leaves_and_comes_back_waits_anew(room: Room) -> None:
    room.on_duty()
    room.enter("CA1", step=3)
    room.do(lambda c, now: waits.returned(c, calling("CA1"), Returned(Ended.LEFT), now))
    room.enter("CA1", step=8)
    assert heard(room, "CA1").startswith("您是下一位。")


def test_a_key_ends_the_waiting_with_the_wish_kept(room: Room) -> None:
    room.on_duty()
    room.enter("CA1")
    assert heard(room, "CA1", "1") == "|"
    assert room.do(lambda c, _: waits.wish_of(c, "CA1")) is Ended.CALL_BACK


def test_a_call_that_is_in_no_queue_is_let_out_of_it(room: Room) -> None:
    assert heard(room, "CA-unknown") == "|"
    assert room.do(lambda c, _: waits.wish_of(c, "CA-unknown")) is Ended.NOBODY


def test_when_the_last_seat_goes_the_caller_does_not_wait_on(room: Room) -> None:
    room.on_duty()
    room.enter("CA1")
    room.do(lambda c, now: seats.set_state(c, room.rules, SEAT.name, seats.SeatState.OFF, now))
    assert heard(room, "CA1") == "现在没有坐席在岗。|"


def test_who_hangs_up_waiting_is_called_back_once(room: Room) -> None:
    state = room.enter("CA1")
    for _ in range(2):
        room.do(lambda c, now: waits.hung_up(c, state, now))
        room.do(lambda c, now: tasks.make_task(c, CallBack(Why.LEFT_WAITING), state, now))
    assert [(each.why, each.times) for each in open_tasks(room)] == [(Why.LEFT_WAITING, 1)]


def test_who_hangs_up_waiting_is_called_back_although_the_queue_was_never_told_of(room: Room) -> None:
    room.do(lambda c, now: waits.hung_up(c, calling("CA1"), now))
    assert [each.why for each in open_tasks(room)] == [Why.LEFT_WAITING]


def test_who_hangs_up_in_the_talk_is_not_called_back(room: Room) -> None:
    state = room.enter("CA1")

    def talk_and_hang_up(c, now):  # type: ignore[no-untyped-def]
        c.execute(wait_table.update().values(state="talking", joined_at=now))
        waits.hung_up(c, state, now)
        tasks.make_task(c, CallBack(Why.LEFT_WAITING), state, now)

    room.do(talk_and_hang_up)
    assert open_tasks(room) == []


def test_a_kept_place_is_kept_when_the_caller_calls_again(room: Room) -> None:
    room.on_duty()
    first = room.enter("CA1", "+8613907240001")
    room.do(lambda c, now: waits.returned(c, first, Returned(Ended.CALL_BACK), now))
    room.do(lambda c, now: tasks.make_task(c, CallBack(Why.KEEPS_PLACE), replace(first, where=Where.OVER), now))
    room.clock.forward(timedelta(minutes=1))
    room.enter("CA2", "+8613907240002")
    assert heard(room, "CA2").startswith("您前面还有1位。")
    assert found(room, calling("CA3", "+8613907240001")).position == 1
    room.enter("CA3", "+8613907240001")
    assert heard(room, "CA3").startswith("您是下一位。")
    assert heard(room, "CA2", "*") == "您前面还有1位。"


def test_the_queue_shows_who_waits_with_the_number_masked(room: Room) -> None:
    room.enter("CA1")
    room.clock.forward(timedelta(seconds=40))
    shown = room.do(lambda c, now: waits.in_queue(c, room.rules, Line.CITIZEN, now))
    assert [(each.place, each.caller, each.waited_seconds) for each in shown] == [(1, "+86139****1234", 40)]


def test_a_wait_of_which_nobody_told_the_end_is_ended_and_the_caller_called_back(room: Room) -> None:
    room.on_duty()
    room.enter("CA1")
    room.clock.forward(timedelta(hours=5))
    tidied = room.do(lambda c, now: keeping.tidy(c, room.rules, now))
    assert (tidied.seats, tidied.waits) == (1, 1)
    assert [each.why for each in open_tasks(room)] == [Why.LEFT_WAITING]
    assert not room.do(lambda c, now: keeping.tidy(c, room.rules, now))
