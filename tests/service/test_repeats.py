"""Repeats on both databases, many at once."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import Connection, func, select

from core.city import City
from core.database import Database
from desk.closing import callbacks, rechecks
from desk.life.handling import Handling
from desk.life.moves import MoveRequest
from desk.orders import register
from desk.orders.model import NewWorkOrder, State
from desk.repeated import supporters
from desk.repeated.repeats import Repeats
from tests.fakes import SetClock

pytestmark = pytest.mark.service

REQUEST: TypeAdapter[MoveRequest] = TypeAdapter(MoveRequest)
TO_THE_END: list[dict[str, Any]] = [
    {"move": "dispatch", "unit": "咸安区生态环境局"},
    {"move": "sign"},
    {"move": "reply", "text": "已处理", "outcome": "solved", "override": "已当面答复"},
    {"move": "approve_reply"},
    {"move": "callback", "reached": True, "solved": True, "satisfied": True, "service_satisfied": True},
]


@pytest.fixture
def handling(city: City) -> Handling:
    """The moves under the city's rules."""
    return Handling.of_city(city)


@pytest.fixture
def live(handling: Handling, noise_complaint: dict[str, Any], clock: SetClock) -> Callable[..., str]:
    """Opens an order and makes moves with it; returns its number."""

    def lived(connection: Connection, said: list[dict[str, Any]]) -> str:
        order = NewWorkOrder.model_validate(noise_complaint)
        number = register.open_work_order(connection, order, None, clock(), "bot").order.number
        for move in said:
            handling.move(connection, number, REQUEST.validate_python(move), clock(), "dispatcher")
        return number

    return lived


async def test_many_who_join_at_once_from_a_conversation_are_one(
    database: Database, live: Any, clock: SetClock
) -> None:
    number = await database.write(lambda c: live(c, []))

    def join(connection: Connection) -> bool:
        return supporters.join(connection, number, "web:2", "+8613971234568", None, clock(), "bot")[1]

    joined = await asyncio.gather(*[database.write(join) for _ in range(12)])
    assert joined.count(True) == 1
    assert (await database.read(lambda c: register.find(c, number))).people == 2


async def test_many_orders_about_a_matter_that_came_back_open_the_old_one_once(
    database: Database, city: City, handling: Handling, live: Any, noise_complaint: dict[str, Any], clock: SetClock
) -> None:
    number = await database.write(lambda c: live(c, TO_THE_END))
    clock.forward(timedelta(days=10))
    repeats, new = Repeats.of_city(city, handling), NewWorkOrder.model_validate(noise_complaint)
    opened = await asyncio.gather(
        *[database.write(lambda c: repeats.open(c, new, None, clock(), "bot")) for _ in range(6)]
    )
    states = [one.order.state for one in opened]
    old = await database.read(lambda c: register.find(c, number))
    assert (old.state, old.level) == (State.REDO, 1)
    assert states.count(State.MERGED) == 1
    assert states.count(State.PENDING_DISPATCH) == 5
    assert old.people == 2


async def test_what_was_answered_is_kept_apart_for_indicators(database: Database, live: Any, clock: SetClock) -> None:
    await database.write(lambda c: live(c, TO_THE_END))

    def satisfied(connection: Connection) -> tuple[int, ...]:
        counts = [func.count().filter(callbacks.callbacks.c[name]) for name in callbacks.ANSWERS]
        return tuple(connection.execute(select(*counts)).one())

    assert await database.read(satisfied) == (1, 1, 1, 0)


async def test_a_recheck_is_made_due_once(database: Database, live: Any, clock: SetClock) -> None:
    number = await database.write(lambda c: live(c, TO_THE_END))
    clock.forward(timedelta(days=28))
    shown = [await database.write(lambda c: rechecks.make_due(c, clock(), 100)) for _ in range(2)]
    assert shown == [1, 0]
    assert [one.number for one in await database.read(lambda c: rechecks.due(c, after=None, limit=10))] == [number]


async def test_the_order_many_have_joined_is_listed_with_all_of_them(
    database: Database, live: Any, clock: SetClock
) -> None:
    first = await database.write(lambda c: live(c, TO_THE_END[:-1]))
    second = await database.write(lambda c: live(c, TO_THE_END[:-1]))
    listed = await database.read(lambda c: callbacks.due(c, after=None, limit=10))
    assert [due.number for due in listed] == [first, second]
    assert [due.number for due in await database.read(lambda c: callbacks.due(c, after=first, limit=10))] == [second]
