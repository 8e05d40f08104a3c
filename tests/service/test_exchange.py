"""Orders in and out and lists at scale, on both databases."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, select, text

from core.access import Principal, Role
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.exchange import answers, imports
from desk.exchange.exports import Export
from desk.exchange.imports import Outcome
from desk.exchange.sources import Reader, SourceOrder, Sources
from desk.life.handling import Handling
from desk.life.lifecycle import Move
from desk.life.moves import Dispatch
from desk.orders import register
from desk.orders.listing import Filters, lights_of, narrowed, page
from desk.orders.model import NewWorkOrder, State
from desk.orders.tables import work_orders
from hotline.app import Parts, assemble
from tests.fakes import FakeBot, SetClock
from tests.unit.desk.test_exchange import LAMP, WAGES, as_csv

pytestmark = pytest.mark.service

DAY = {"from": "2026-11-24T00:00:00+08:00", "to": "2026-11-25T00:00:00+08:00"}
INDEXED: list[tuple[dict[str, Any], str]] = [
    ({}, "ix_work_orders_created_at"),
    (DAY, "ix_work_orders_created_at"),
    ({"category": "09"}, "ix_work_orders_category_created_at"),
    ({"category": "09", **DAY}, "created_at"),
    ({"line": "citizen"}, "ix_work_orders_line_created_at"),
    ({"state": "closed"}, "ix_work_orders_state_created_at"),
    ({"unit": "咸安区公安局"}, "ix_work_orders_unit_created_at"),
    ({"unit": "咸安区公安局", "state": "closed"}, "ix_work_orders_unit_state_created_at"),
    ({"source": "province"}, "ix_work_orders_source_created_at"),
    ({"light": "red"}, "ix_clocks_running_light"),
    ({"light": "red", "unit": "咸安区公安局"}, "ix_clocks_running_light"),
]


@pytest.mark.parametrize(("wanted", "index"), INDEXED, ids=[" ".join(wanted) or "all" for wanted, _ in INDEXED])
async def test_a_list_reads_the_index_of_its_filter(database: Database, wanted: dict[str, Any], index: str) -> None:
    query = narrowed(select(work_orders.c.text), Filters.model_validate(wanted))
    query = query.order_by(work_orders.c.created_at.desc(), work_orders.c.id.desc()).limit(50)

    def plan(connection: Connection) -> str:
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:
            # A table of a test is small enough to be read whole; what counts is what may be done instead.
            for way in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                connection.execute(text(f"SET LOCAL {way} = off"))
        compiled = query.compile(connection, compile_kwargs={"render_postcompile": True})
        asked = f"{'EXPLAIN QUERY PLAN' if sqlite else 'EXPLAIN'} {compiled}"
        values: Any = tuple(compiled.params[name] for name in compiled.positiontup or ()) or compiled.params
        return str(connection.exec_driver_sql(asked, values).all())

    told = await database.write(plan)
    assert index in told
    assert "light" in wanted or "TEMP B-TREE" not in told


async def test_pages_follow_each_other_without_gap_or_repeat(
    database: Database, noise_complaint: dict[str, Any], clock: SetClock
) -> None:
    new = NewWorkOrder.model_validate(noise_complaint)

    def fill(connection: Connection) -> list[str]:
        return [register.open_work_order(connection, new, None, clock(), "bot").order.number for _ in range(7)]

    numbers = await database.write(fill)

    def read(connection: Connection) -> list[str]:
        seen: list[str] = []
        while found := page(connection, Filters(), seen[-1] if seen else None, 3):
            seen += [order.number for order in found]
        return seen

    assert await database.read(read) == numbers[::-1]


async def test_a_file_taken_in_twice_is_there_once(database: Database, city: City, clock: SetClock) -> None:
    source = Sources.of_city(city).named("province")
    orders, faults = Reader(source, city).read(as_csv(LAMP, WAGES, LAMP))
    assert faults == []

    async def take() -> list[Outcome]:
        taken = await database.write(lambda c: imports.take_batch(c, source, orders, clock(), "dispatcher"))
        return [one.outcome for one in taken if isinstance(one, imports.Taken)]

    assert await take() == ["opened", "opened", "unchanged"]
    assert await take() == ["unchanged"] * 3
    assert len(await database.read(lambda c: page(c, Filters(source="province")))) == 2


async def test_an_answer_is_offered_settled_and_exported(database: Database, city: City, clock: SetClock) -> None:
    source, handling = Sources.of_city(city).named("province"), Handling.of_city(city)
    order = SourceOrder(source_number="P-1", text="路灯不亮", category="02")

    def live(connection: Connection) -> str:
        number = imports.take(connection, source, order, clock(), "dispatcher").number
        assert number
        handling.move(connection, number, Dispatch(move=Move.DISPATCH, unit="咸安区公安局"), clock(), "dispatcher")
        [offered] = answers.unsettled(connection, "province")
        assert (offered.kind, offered.told) == ("dispatch", {"unit": "咸安区公安局"})
        assert answers.settle(connection, "province", [answers.Receipt(id=offered.id)], clock()) == []
        assert answers.unsettled(connection, "province") == []
        return number

    number = await database.write(live)
    export = Export(Filters(state=State.PENDING_SIGN), Principal("operator", Role.ADMIN), clock())
    assert await database.write(export.begin) == 1
    assert [number in row for row in export.rows(database, city)] == [True]
    assert await database.read(lambda c: lights_of(c, [number])) == {}


async def test_a_text_no_database_keeps_is_refused_and_not_an_error(
    database: Database, city: City, clock: SetClock, settings: Settings, bot: FakeBot, as_operator: dict[str, str]
) -> None:
    client = TestClient(assemble(Parts(settings, database, city, bot, clock)), raise_server_exceptions=False)
    order = {"source_number": "P-1", "text": "路灯\x00不亮"}
    answered = client.post("/api/imports/province/orders", json=order, headers=as_operator)
    assert answered.status_code == (201 if database.url.startswith("sqlite") else 422), answered.text
