"""Orders in and out and lists at scale, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from fastapi.testclient import TestClient
from pydantic import HttpUrl
from sqlalchemy import Connection, select, text

from core.access import Principal, Role
from core.city import City
from core.clock import utc_now
from core.database import Database
from core.secrets import source_secret
from core.settings import Settings
from desk.exchange import answers, imports
from desk.exchange.exports import Export
from desk.exchange.imports import Outcome
from desk.exchange.sources import Reader, SourceOrder, Sources
from desk.life.handling import Handling
from desk.life.lifecycle import Move
from desk.life.moves import AskCitizen, Dispatch, MoveRequest, Sign
from desk.orders import register
from desk.orders.listing import Filters, lights_of, narrowed, page
from desk.orders.model import NewWorkOrder, State
from desk.orders.tables import work_orders
from desk.telling import deliveries
from desk.telling.deliveries import Courier
from hotline.app import Parts, assemble
from hotline.worker import carriers
from tests.fakes import FakeBot, SetClock
from tests.receiver import Receiver
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


async def test_an_answer_is_delivered_signed_until_the_platform_has_it(
    database: Database, city: City, settings: Settings
) -> None:
    source, handling = Sources.of_city(city).named("province"), Handling.of_city(city)
    clock = SetClock(utc_now())  # The platform refuses signatures that are five minutes old.
    order = SourceOrder(source_number="P-1", text="路灯不亮", category="02")
    number = str((await database.write(lambda c: imports.take(c, source, order, clock(), "dispatcher"))).number)

    async def happens(move: MoveRequest) -> int:
        await database.write(lambda c: handling.move(c, number, move, clock(), "dispatcher"))
        offered = await database.read(lambda c: answers.unsettled(c, "province"))
        await database.write(lambda c: deliveries.add_answers(c, ["province"], clock()))
        assert await database.write(lambda c: deliveries.add_answers(c, ["province"], clock())) == 0
        return offered[-1].id

    async with Receiver() as platform:
        platform.secret = source_secret(settings, "province")
        courier = Courier(database, carriers(settings, {"province": platform.url("/hook")}), clock, "{host}停用")

        first = await happens(Dispatch(move=Move.DISPATCH, unit="咸安区公安局"))
        platform.answers = [web.Response(status=503), web.json_response({"id": first})]
        assert await courier.round() == 1
        assert [one.id for one in await database.read(lambda c: answers.unsettled(c, "province"))] == [first]
        clock.forward(timedelta(minutes=1))
        assert await courier.round() == 1
        assert await database.read(lambda c: answers.unsettled(c, "province")) == []
        told = platform.payloads[-1]["data"]
        assert (told["source_number"], told["kind"], told["told"]) == ("P-1", "dispatch", {"unit": "咸安区公安局"})

        refused = await happens(Sign(move=Move.SIGN))
        platform.answers = [
            web.json_response([{"id": refused, "refused": "单号已归档"}, {"id": first, "refused": "x"}])
        ]
        await courier.round()
        log = await database.read(lambda c: register.events_of(c, number))
        assert [event.data for event in log if event.kind == "answer_refused"] == [
            {"source": "province", "reason": "单号已归档"}
        ]

        silent = await happens(AskCitizen(move=Move.ASK_CITIZEN, question="哪一盏？"))
        await courier.round()
        assert await courier.round() == 0
        assert [one.id for one in await database.read(lambda c: answers.unsettled(c, "province"))] == [silent]
        await courier.close()
    assert platform.refused == 0
    assert max(platform.ids.values()) == 2


def test_an_address_for_a_platform_there_is_not_stops_the_start(city: City) -> None:
    with pytest.raises(ValueError, match="nowhere"):
        Sources.of_city(city).answer_urls({"nowhere": HttpUrl("https://platform.example")})
