"""Call-backs: one of a caller, oldest first, in time, and never forgotten half-way."""

from datetime import timedelta

import pytest

from core.problems import Problem
from desk.closing.aftercare import Missed
from desk.personal_data.looks import Purpose
from ivr.flow import CallBack, CallState, Why
from ivr.people import keeping, seats, seen, tasks
from ivr.people.tasks import Done, NotReached, Result, Task, TaskState
from tests.unit.ivr.people.conftest import DISPATCHER, OTHER, SEAT, Room, calling

pytestmark = pytest.mark.unit


def made(room: Room, call_sid: str = "CA1", caller: str | None = "+8613907240001", why: Why = Why.MISSED) -> None:
    room.do(lambda c, now: tasks.make_task(c, CallBack(why), CallState(call_sid, caller), now))


def listed(room: Room, state: TaskState | None = None) -> list[Task]:
    return room.do(lambda c, now: tasks.list_tasks(c, room.rules, now, state=state))


def take(room: Room, task: int = 1) -> None:
    room.do(lambda c, now: tasks.take(c, task, SEAT.name, now))


def fail(room: Room, missed: Missed = Missed.NO_ANSWER) -> Task:
    take(room)
    said = NotReached(missed=missed)
    room.do(lambda c, now: tasks.not_reached(c, room.rules, 1, said, SEAT, now))
    return room.do(lambda c, now: tasks.find(c, room.rules, 1, now))


def test_a_missed_call_is_called_back_within_two_hours_and_its_number_is_masked(room: Room) -> None:
    for _ in range(2):
        room.do(lambda c, now: tasks.missed_call(c, "+8613907240001", "CA1", now))
    [task] = listed(room)
    assert (task.why, task.phone, task.due - task.created_at) == (Why.MISSED, "+86139****0001", timedelta(hours=2))
    assert not task.overdue
    room.clock.forward(timedelta(hours=2, seconds=1))
    assert listed(room)[0].overdue


def test_out_of_hours_the_limit_counts_office_hours(room: Room) -> None:
    room.clock.forward(timedelta(hours=12))  # 21:30
    made(room, why=Why.OUT_OF_HOURS)
    assert listed(room)[0].due.isoformat() == "2026-11-25T07:00:00+00:00"  # The next day, 15:00.


def test_a_caller_has_one_open_call_back_and_a_kept_place_is_the_stronger_reason(room: Room) -> None:
    made(room)
    room.clock.forward(timedelta(minutes=20))
    made(room, "CA2", why=Why.KEEPS_PLACE)
    made(room, "CA3", why=Why.MISSED)
    [task] = listed(room)
    assert (task.why, task.times) == (Why.KEEPS_PLACE, 3)


def test_after_one_is_done_the_caller_may_have_another(room: Room) -> None:
    made(room)
    take(room)
    room.do(lambda c, now: tasks.finish(c, 1, Done(result=Result.ANSWERED), SEAT, now))
    made(room, "CA2")
    assert [each.id for each in listed(room)] == [2]
    assert listed(room, TaskState.DONE)[0].result == "answered"


def test_without_a_number_the_one_that_was_said_in_the_call_is_called(room: Room) -> None:
    made(room, caller=None)
    assert listed(room) == []
    room.said("CA2", "我的电话是13907240009", {"text": "路灯不亮", "contact_phone": "+8613907240009"})
    made(room, "CA2", None)
    assert listed(room)[0].phone == "+86139****0009"


def test_the_oldest_stand_first(room: Room) -> None:
    for number in range(3):
        made(room, f"CA{number}", f"+861390724000{number}")
        room.clock.forward(timedelta(minutes=1))
    assert [each.phone[-1] for each in listed(room)] == ["0", "1", "2"]


def test_only_one_takes_it_and_only_they_or_a_dispatcher_finish_it(room: Room) -> None:
    made(room)
    take(room)
    take(room)
    with pytest.raises(Problem, match=r"is with seat\.li"):
        room.do(lambda c, now: tasks.take(c, 1, OTHER.name, now))
    with pytest.raises(Problem, match=r"is with seat\.li"):
        room.do(lambda c, now: tasks.finish(c, 1, Done(result=Result.OTHER), OTHER, now))
    room.do(lambda c, now: tasks.finish(c, 1, Done(result=Result.OTHER), DISPATCHER, now))
    with pytest.raises(Problem, match="is done"):
        room.do(lambda c, now: tasks.take(c, 1, OTHER.name, now))


def test_nobody_reached_is_tried_again_after_a_pause_and_closed_after_three(room: Room) -> None:
    made(room)
    first = fail(room)
    assert (first.state, first.attempts, first.not_before - room.clock()) == ("open", 1, timedelta(minutes=30))
    fail(room)
    last = fail(room)
    assert (last.state, last.result, last.missed) == ("closed", "not_reached", ["no_answer"] * 3)


@pytest.mark.parametrize("missed", [Missed.WRONG_NUMBER, Missed.REFUSED])
def test_a_wrong_number_or_a_no_is_not_tried_again(room: Room, missed: Missed) -> None:
    made(room)
    assert fail(room, missed).state == "closed"


def test_an_order_that_is_not_there_cannot_be_linked(room: Room) -> None:
    made(room)
    take(room)
    with pytest.raises(Problem, match="12345"):
        room.do(lambda c, now: tasks.finish(c, 1, Done(result=Result.FILED, order="12345"), SEAT, now))


def test_the_whole_number_and_what_was_said_are_behind_a_door_that_remembers_who_looked(room: Room) -> None:
    room.said("CA1", "楼下很吵", {"text": "楼下很吵", "category": "09"})
    made(room)
    contact = room.do(lambda c, now: tasks.contact(c, 1, SEAT, Purpose.CALL_BACK, None, now))
    assert (contact.phone, contact.said[0].text, contact.draft) == (
        "+8613907240001",
        "楼下很吵",
        {"text": "楼下很吵", "category": "09"},
    )
    assert [(each.actor, each.purpose) for each in room.do(lambda c, _: seen.list_looks(c))] == [
        (SEAT.name, "call_back")
    ]


def test_who_goes_off_duty_gives_back_what_was_taken(room: Room) -> None:
    room.on_duty()
    made(room)
    take(room)
    room.do(lambda c, now: seats.set_state(c, room.rules, SEAT.name, seats.SeatState.OFF, now))
    assert listed(room)[0].state == "open"


def test_a_forgotten_call_leaves_nothing(room: Room) -> None:
    room.enter("CA1")
    made(room)
    room.do(lambda c, now: tasks.contact(c, 1, SEAT, Purpose.CALL_BACK, None, now))
    fail(room)
    room.do(lambda c, _: keeping.forget(c, ["phone:CA1", "web:other"]))
    assert listed(room) == listed(room, TaskState.CLOSED) == []
    assert room.do(lambda c, _: seen.list_looks(c)) == []
    assert calling("CA1").caller is not None
