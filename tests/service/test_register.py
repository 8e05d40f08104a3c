"""The register of work orders, on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

from core.database import Database
from core.problems import Problem
from desk.orders import listing, progress, register
from desk.orders.listing import Filters
from desk.orders.model import NewWorkOrder, State, WorkOrder
from desk.orders.numbers import parse_order_number
from desk.repeated.supporters import Person, leave, persons_of
from tests.fakes import SetClock

pytestmark = pytest.mark.service


@pytest.fixture
def open_order(database: Database, clock: SetClock) -> Any:
    async def open_it(order: dict[str, Any], key: str | None = None, **changes: Any) -> register.Opened:
        new = NewWorkOrder.model_validate({**order, **changes})
        return await database.write(lambda c: register.open_work_order(c, new, key, clock(), "bot"))

    return open_it


async def test_numbers_run_without_gaps_and_begin_anew_each_day_of_the_city(
    open_order: Any, noise_complaint: dict[str, Any], clock: SetClock
) -> None:
    first = (await open_order(noise_complaint)).order.number
    second = (await open_order(noise_complaint)).order.number
    # 16:00 UTC is midnight in the city.
    clock.now = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    third = (await open_order(noise_complaint)).order.number

    assert [n[:14] for n in (first, second, third)] == ["20261124-00001", "20261124-00002", "20261125-00001"]
    assert parse_order_number(first) == first


async def test_a_repeated_request_gets_the_first_order(open_order: Any, noise_complaint: dict[str, Any]) -> None:
    one = await open_order(noise_complaint, key="filing-1")
    again = await open_order(noise_complaint, key="filing-1")

    assert one.created
    assert not again.created
    assert again.order.number == one.order.number


async def test_many_repeats_at_once_open_one_order(
    open_order: Any, noise_complaint: dict[str, Any], database: Database
) -> None:
    opened = await asyncio.gather(*[open_order(noise_complaint, key="filing-1") for _ in range(12)])

    assert len({o.order.number for o in opened}) == 1
    assert len(await database.read(lambda c: listing.page(c, Filters()))) == 1


async def test_many_orders_at_once_get_different_numbers(open_order: Any, noise_complaint: dict[str, Any]) -> None:
    opened = await asyncio.gather(*[open_order(noise_complaint, key=f"filing-{i}") for i in range(50)])
    assert len({o.order.number for o in opened}) == 50


async def test_a_key_used_for_another_order_is_refused(open_order: Any, noise_complaint: dict[str, Any]) -> None:
    await open_order(noise_complaint, key="filing-1")
    with pytest.raises(Problem, match="used for another order"):
        await open_order(noise_complaint, key="filing-1", text="另一件事")


async def test_an_order_kept_for_a_person_is_completed_by_the_bot_instead_of_doubled(
    open_order: Any, noise_complaint: dict[str, Any], database: Database, clock: SetClock
) -> None:
    unread = NewWorkOrder(
        text="楼下好吵", conversation_id="web:1", message_id="m1", needs_person=True, confidential=True
    )
    kept = await database.write(lambda c: register.keep_for_person(c, unread, clock()))

    opened = await open_order(noise_complaint, key="k", conversation_id="web:1", message_id="m7")

    assert kept.state is State.PENDING_ACCEPTANCE
    assert not opened.created
    assert opened.order.number == kept.number
    assert opened.order.state is State.PENDING_DISPATCH
    assert opened.order.category == "09"
    assert opened.order.confidential
    events = await database.read(lambda c: register.events_of(c, kept.number))
    assert [event.kind for event in events] == ["opened", "completed"]
    assert events[1].data == {"kept": "楼下好吵"}


async def test_a_message_that_already_opened_an_order_is_not_kept_a_second_time(
    open_order: Any, noise_complaint: dict[str, Any], database: Database, clock: SetClock
) -> None:
    opened = await open_order(noise_complaint, key="k", conversation_id="web:1", message_id="m7")
    late = NewWorkOrder(text="确认提交", conversation_id="web:1", message_id="m7", needs_person=True)

    kept = await database.write(lambda c: register.keep_for_person(c, late, clock()))

    assert kept.number == opened.order.number


async def test_words_said_while_the_bot_is_down_are_gathered_in_one_order(database: Database, clock: SetClock) -> None:
    def keep(said: str, message_id: str) -> WorkOrder:
        matter = NewWorkOrder(text=said, conversation_id="web:1", message_id=message_id, needs_person=True)
        return database.write_now(lambda c: register.keep_for_person(c, matter, clock()))

    first, second = await asyncio.gather(
        asyncio.to_thread(keep, "楼下好吵", "m1"), asyncio.to_thread(keep, "在淦河大道", "m2")
    )
    again = keep("在淦河大道", "m3")

    assert first.number == second.number == again.number
    events = database.read_now(lambda c: register.events_of(c, first.number))
    assert [event.kind for event in events] == ["opened", "supplemented"]


def _execute(statement: TextClause, connection: Connection) -> None:
    connection.execute(statement)


async def test_the_log_of_an_order_cannot_be_rewritten(
    open_order: Any, noise_complaint: dict[str, Any], database: Database
) -> None:
    await open_order(noise_complaint)
    for statement in ("UPDATE work_order_events SET actor = 'x'", "DELETE FROM work_order_events"):
        with pytest.raises(DBAPIError, match="append-only"):
            await database.write(partial(_execute, text(statement)))


async def test_the_phones_tail_or_the_query_code_proves_whose_order_it_is(
    open_order: Any, noise_complaint: dict[str, Any], database: Database, clock: SetClock
) -> None:
    order = (await open_order(noise_complaint)).order

    async def proved(proof: str) -> bool:
        found = await database.write(lambda c: progress.recognise(c, order.number, proof, clock(), 5))
        return found is not None

    assert await proved("4567")
    assert await proved(order.query_code)
    assert not await proved("0000" if order.query_code != "0000" else "1111")


async def test_guessing_is_stopped_for_an_hour(
    open_order: Any, noise_complaint: dict[str, Any], database: Database, clock: SetClock
) -> None:
    order = (await open_order(noise_complaint)).order

    async def ask(proof: str) -> Person | None:
        return await database.write(lambda c: progress.recognise(c, order.number, proof, clock(), 5))

    for guess in ("0001", "0002", "0003", "0004", "0005"):
        assert await ask(guess) is None
    with pytest.raises(Problem, match="too many wrong tries"):
        await ask("4567")
    clock.forward(timedelta(hours=1, seconds=1))
    assert await ask("4567")


async def test_an_anonymous_order_has_no_phone_tail_that_could_fit(
    open_order: Any, noise_complaint: dict[str, Any], database: Database, clock: SetClock
) -> None:
    order = (await open_order(noise_complaint, contact_phone=None)).order
    found = await database.write(lambda c: progress.recognise(c, order.number, "", clock(), 5))
    assert found is None


async def test_a_withdrawn_order_takes_no_more_and_can_be_withdrawn_again(
    open_order: Any, noise_complaint: dict[str, Any], database: Database, clock: SetClock
) -> None:
    number = (await open_order(noise_complaint)).order.number

    def withdraw(connection: Connection) -> WorkOrder:
        [citizen] = persons_of(connection, register.row_of(connection, number))
        leave(connection, citizen, clock(), "bot")
        return register.find(connection, number)

    for _ in range(2):
        assert (await database.write(withdraw)).state is State.WITHDRAWN
    with pytest.raises(Problem, match="only open orders"):
        await database.write(lambda c: register.supplement(c, number, "又吵了", clock(), "bot"))
    events = await database.read(lambda c: register.events_of(c, number))
    assert [event.kind for event in events] == ["opened", "withdraw"]
