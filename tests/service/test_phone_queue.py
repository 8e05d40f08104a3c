"""The queue under pressure, on both databases: nobody is given to two seats, nobody is lost, nothing is made twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import Connection, func, select

from core.city import City
from core.database import Database
from desk.orders.model import Line
from hotline import schema
from ivr.flow import CallState, Where, Why
from ivr.people import keeping, seats, talks, tasks, waits
from ivr.people.rules import Rules
from ivr.people.seats import Duty
from ivr.people.tables import legs
from ivr.people.tables import talks as talk_table
from ivr.people.tables import tasks as task_table
from ivr.people.tables import waits as wait_table
from tests.conftest import VAULT
from tests.fakes import SetClock

pytestmark = pytest.mark.service

CALLERS, SEATS = 24, 8


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: object) -> str:
    """A database several processes share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/hotline.db"
    new_database: Callable[[], str] = request.getfixturevalue("postgresql_url")
    return new_database()


def waiting(number: int) -> CallState:
    return CallState(f"CA{number}", f"+8613907{number:06d}", step=2, where=Where.WAITING)


def test_seats_of_several_processes_never_get_the_same_caller(url: str, city: City, clock: SetClock) -> None:
    rules, now = Rules.of_city(city), clock()
    processes = [Database(url, VAULT) for _ in range(4)]
    schema.upgrade(processes[0])
    duty = Duty(lines=[Line.CITIZEN], telephone="sip:801@pbx.example.gov.cn")
    for seat in range(SEATS):
        processes[0].write_now(lambda c, seat=seat: seats.go_on_duty(c, rules, f"seat.{seat}", duty, now))  # type: ignore[misc]
    for number in range(CALLERS):
        processes[0].write_now(lambda c, number=number: waits.entered(c, waiting(number), "citizen", now))  # type: ignore[misc]

    def take(seat: int) -> list[str | None]:
        def work(connection: Connection) -> str | None:
            taken = talks.take_next(connection, rules, Line.CITIZEN, f"seat.{seat}", now)
            if taken is None:
                return None
            talk = taken[0].talk
            query = select(talk_table.c.call_sid).where(talk_table.c.id == talk)
            call_sid = str(connection.execute(query).scalar_one())
            talks.end(connection, talk, "test", now)
            # Who was being rung for is waiting again; here the talk took place.
            waits.leave(connection, call_sid, "talked", now)
            return call_sid

        database = processes[seat % len(processes)]
        return [database.write_now(work) for _ in range(CALLERS // SEATS)]

    with ThreadPoolExecutor(SEATS) as pool:
        served = [call for calls in pool.map(take, range(SEATS)) for call in calls]

    assert sorted(served, key=str) == sorted(f"CA{number}" for number in range(CALLERS))
    for process in processes:
        process.close()


def test_two_seats_that_ask_at_the_same_moment_hold_different_callers(url: str, city: City, clock: SetClock) -> None:
    rules, now = Rules.of_city(city), clock()
    processes = [Database(url, VAULT) for _ in range(4)]
    schema.upgrade(processes[0])
    duty = Duty(lines=[Line.CITIZEN], telephone="sip:801@pbx.example.gov.cn")
    for number in range(4):
        processes[0].write_now(lambda c, n=number: seats.go_on_duty(c, rules, f"seat.{n}", duty, now))  # type: ignore[misc]
        processes[0].write_now(lambda c, n=number: waits.entered(c, waiting(n), "citizen", now))  # type: ignore[misc]

    def take(seat: int) -> str | None:
        taken = processes[seat].write_now(lambda c: talks.take_next(c, rules, Line.CITIZEN, f"seat.{seat}", now))
        return taken[0].caller if taken else None

    with ThreadPoolExecutor(4) as pool:
        held = list(pool.map(take, range(4)))

    assert None not in held
    assert len(set(held)) == 4
    for process in processes:
        process.close()


def test_a_caller_whose_call_ends_twice_at_once_has_one_call_back(url: str, city: City, clock: SetClock) -> None:
    now = clock()
    processes = [Database(url, VAULT) for _ in range(2)]
    schema.upgrade(processes[0])

    def missed(number: int) -> None:
        state = CallState(f"CA{number}", "+8613907240001")
        processes[number % 2].write_now(lambda c: tasks.make(c, Why.MISSED, state, now))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(missed, range(8)))

    rules = Rules.of_city(city)
    [task] = processes[0].read_now(lambda c: tasks.list_tasks(c, rules, now))
    assert task.times == 8
    for process in processes:
        process.close()


def test_what_is_kept_of_a_call_can_be_forgotten(database: Database, city: City, clock: SetClock) -> None:
    rules, now = Rules.of_city(city), clock()
    duty = Duty(lines=[Line.CITIZEN], telephone="sip:801@pbx.example.gov.cn")

    def live(connection: Connection, now: datetime) -> None:
        seats.go_on_duty(connection, rules, "seat.1", duty, now)
        tasks.make(connection, Why.MISSED, waiting(1), now)
        waits.entered(connection, waiting(1), "citizen", now)
        assert talks.take_next(connection, rules, Line.CITIZEN, "seat.1", now) is not None
        keeping.forget(connection, ["phone:CA1"])

    database.write_now(lambda c: live(c, now))
    for table in (task_table, talk_table, wait_table, legs):
        assert database.read_now(lambda c: c.execute(select(func.count()).select_from(table)).scalar_one()) == 0  # noqa: B023
