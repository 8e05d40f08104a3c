"""What leaves the house: signed, tried again, given up, and never lost when a worker is killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import Connection, func, insert, select

from core.access import Role
from core.city import City
from core.clock import utc_now
from core.database import Database
from core.secrets import vault, webhook_secret
from core.settings import Settings
from desk.access.people import users
from desk.life.handling import Handling
from desk.life.moves import ApproveReply, Dispatch, MoveRequest, Reply, Sign
from desk.orders import listing, register
from desk.orders.listing import Filters
from desk.orders.model import NewWorkOrder
from desk.personal_data.erasure import Retention
from desk.telling import deliveries, removal, webhooks
from desk.telling.backlog import backlog
from desk.telling.carriers import Parcel, Undelivered, WebhookCarrier
from desk.telling.deliveries import Courier, Delivery, DeliveryState
from desk.telling.noticeboard import inbox_of, notices
from desk.telling.outbox import Outbox
from desk.telling.webhooks import NewWebhook, Webhook
from hotline import schema
from hotline.retention import remove_told
from hotline.worker import carriers
from tests.fakes import SetClock
from tests.receiver import Receiver
from tests.system import ROOT

pytestmark = pytest.mark.service


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as started:
        yield started


@pytest.fixture
def clock() -> SetClock:
    """The real time: receivers refuse signatures that are five minutes old."""
    return SetClock(utc_now())


@pytest.fixture
def open_settings(settings: Settings, receiver: Receiver) -> Settings:
    """Settings that allow this machine as a receiver, and know an SMS gateway."""
    changes = {"webhook_private_addresses": True, "sms_url": receiver.url("/sms"), "sms_key": "the-key"}
    return Settings.model_validate({**settings.model_dump(), **changes})


@pytest.fixture
async def courier(database: Database, open_settings: Settings, clock: SetClock) -> AsyncIterator[Courier]:
    made = Courier(database, carriers(open_settings, {}), clock, "{host}停用", jitter=lambda: 1.0)
    yield made
    await made.close()


@pytest.fixture
def hook(database: Database, open_settings: Settings, receiver: Receiver, clock: SetClock) -> Webhook:
    """A webhook for all events that leads to the receiver."""
    new = NewWebhook(url=receiver.url("/hook"))
    made = database.write_now(lambda c: webhooks.add(c, new, clock()))
    receiver.secret = webhook_secret(open_settings, made.id)
    return made


@pytest.fixture
def outbox(city: City) -> Outbox:
    return Outbox.of_city(city, Handling.of_city(city).clocks.calendar, ["sms"])


def open_order(connection: Connection, order: dict[str, Any], now: datetime, **changes: Any) -> str:
    new = NewWorkOrder.model_validate({**order, **changes})
    return register.open_work_order(connection, new, None, now, "bot").order.number


def listed(database: Database, **wanted: Any) -> list[Delivery]:
    return database.read_now(lambda c: deliveries.list_deliveries(c, **wanted))


async def test_a_webhook_tells_the_order_and_nothing_of_the_citizen(
    database: Database,
    hook: Webhook,
    outbox: Outbox,
    courier: Courier,
    receiver: Receiver,
    noise_complaint: dict[str, Any],
    clock: SetClock,
) -> None:
    order = {**noise_complaint, "contact_name": "欧阳先生", "company_name": "华腾", "occurred": "昨晚"}
    number = await database.write(lambda c: open_order(c, order, clock(), needs_person=True, reason="没听懂"))
    await database.write(lambda c: outbox.hand_on(c, clock()))
    assert await courier.round() == 1
    assert await courier.round() == 0
    [payload] = receiver.payloads
    assert (payload["type"], payload["data"]["number"]) == ("work_order.opened", number)
    assert set(payload["data"]) == {"number", "sequence", "state", "line", "urgency", "category", "unit"}
    for personal in ("4567", "欧阳", "华腾", "昨晚", "老人", "淦河", "没听懂"):
        assert personal not in str(payload)
    [kept] = listed(database)
    assert (kept.state, kept.attempts, list(receiver.ids)) == (DeliveryState.DELIVERED, 1, [kept.message_id])
    assert (await database.read(lambda c: webhooks.find(c, hook.id))).last_result == "ok"


async def test_a_failed_try_is_made_again_later_under_the_same_id_and_at_last_given_up(
    database: Database, hook: Webhook, courier: Courier, receiver: Receiver, clock: SetClock
) -> None:
    payload = {"type": "test", "timestamp": clock().isoformat(), "data": {}}
    await database.write(lambda c: deliveries.add_webhooks(c, [(hook, None, payload)], clock()))
    receiver.answers = [
        web.Response(status=500, text="坏了\x00" + "很长" * 500),
        web.Response(status=302, headers={"Location": receiver.url("/hook")}),
    ]
    assert await courier.round() == 1
    [waits] = listed(database)
    assert waits.last_error is not None
    assert waits.last_error.startswith("HTTP 500 坏了很长")
    assert len(waits.last_error) < 150
    clock.forward(timedelta(seconds=9))
    assert await courier.round() == 0
    clock.forward(timedelta(seconds=1))
    assert await courier.round() == 1
    assert listed(database)[0].last_error == "HTTP 302"
    assert receiver.ids == {waits.message_id: 2}

    receiver.secret = "whsec_" + "b" * 40
    for _ in range(WebhookCarrier.most_attempts - 2):
        clock.now = listed(database)[0].due_at
        await courier.round()
    [dead] = listed(database, state=DeliveryState.DEAD)
    assert dead.attempts == WebhookCarrier.most_attempts
    again = await database.write(lambda c: deliveries.retry(c, dead.id, clock()))
    assert (again.state, again.attempts, again.message_id) == (DeliveryState.WAITING, 0, waits.message_id)


async def test_a_receiver_that_fails_for_a_day_is_disabled_and_the_administrators_are_told(
    database: Database, hook: Webhook, courier: Courier, receiver: Receiver, clock: SetClock
) -> None:
    payload = {"type": "test", "timestamp": clock().isoformat(), "data": {}}

    async def send() -> None:
        await database.write(lambda c: deliveries.add_webhooks(c, [(hook, None, payload)] * 25, clock()))
        receiver.answers = [web.Response(status=503) for _ in range(25)]
        await courier.round()

    def is_active() -> bool:
        return database.read_now(lambda c: webhooks.find(c, hook.id)).active

    await send()
    assert is_active()
    clock.forward(timedelta(days=1))
    await send()
    assert not is_active()
    assert {delivery.state for delivery in listed(database, limit=100)} == {DeliveryState.DEAD}
    told = await database.read(lambda c: inbox_of(c, "operator"))
    assert [notice.text for notice in told.notices] == ["127.0.0.1停用"]

    await database.write(lambda c: webhooks.switch(c, hook.id, on=True))
    await send()
    assert is_active()


async def test_a_receiver_that_says_it_is_gone_is_asked_no_more(
    database: Database, hook: Webhook, courier: Courier, receiver: Receiver, clock: SetClock
) -> None:
    payload = {"type": "test", "timestamp": clock().isoformat(), "data": {}}
    await database.write(lambda c: deliveries.add_webhooks(c, [(hook, None, payload)], clock()))
    receiver.answers = [web.Response(status=410)]
    await courier.round()
    assert not database.read_now(lambda c: webhooks.find(c, hook.id)).active
    assert [delivery.state for delivery in listed(database)] == [DeliveryState.DEAD]


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "localhost.localdomain", "2130706433", "127.1"])
async def test_no_webhook_reaches_this_machine_unless_it_is_allowed(
    host: str, receiver: Receiver, settings: Settings, clock: SetClock
) -> None:
    receiver.secret = webhook_secret(settings, "x")
    carrier = WebhookCarrier(partial(webhook_secret, settings), private_addresses=False)
    url = receiver.url("/hook").replace("127.0.0.1", host)
    with pytest.raises(Undelivered):
        await carrier.send(Parcel(1, "msg_1", 1, "webhook", "x", url, {}), clock())
    await carrier.close()
    assert receiver.ids == {}
    assert receiver.refused == 0


async def test_citizens_and_staff_are_told_by_text_message_what_is_theirs_and_by_day(
    database: Database,
    outbox: Outbox,
    courier: Courier,
    city: City,
    receiver: Receiver,
    noise_complaint: dict[str, Any],
    clock: SetClock,
) -> None:
    handling, staff_phone = Handling.of_city(city), "+8613907241234"
    clock.now = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)

    def live(connection: Connection) -> None:
        common = {"name": "值班员", "password_hash": "-", "active": True, "created_at": clock()}
        head = {"login": "head", "role": Role.UNIT_HEAD, "unit": "咸安区生态环境局", "phone": staff_phone}
        connection.execute(insert(users).values(**head, **common))
        number = open_order(connection, noise_complaint, clock())
        open_order(connection, noise_complaint, clock(), contact_phone=None)
        moves: list[MoveRequest] = [Dispatch(move="dispatch", unit="咸安区生态环境局"), Sign(move="sign")]
        for move in moves:
            handling.move(connection, number, move, clock(), "dispatcher")

    def round_(connection: Connection) -> None:
        handling.sweep(connection, clock())
        outbox.hand_on(connection, clock())
        outbox.tell_due(connection, clock())

    def texts() -> list[tuple[str, str]]:
        found = [(text["to"], text["text"]) for text in receiver.texts]
        receiver.texts.clear()
        return found

    await database.write(live)
    await database.write(round_)
    await courier.round()
    [(citizen, opened)] = texts()
    assert citizen == noise_complaint["contact_phone"]
    number = await database.read(lambda c: listing.page(c, Filters())[-1].number)
    assert number in opened
    clock.forward(timedelta(days=8))
    await database.write(round_)
    await courier.round()
    assert [(to, "超时" in text) for to, text in texts()] == [(staff_phone, True)] * 2
    clock.now = datetime(2026, 12, 2, 15, 0, tzinfo=UTC)
    for move in (
        Reply(move="reply", text="已处理", outcome="solved", override="已电话说明"),
        ApproveReply(move="approve_reply"),
    ):
        await database.write(lambda c, move=move: handling.move(c, number, move, clock(), "dispatcher"))  # type: ignore[misc]
    await database.write(round_)
    await courier.round()
    assert texts() == []
    clock.forward(timedelta(hours=9))
    await database.write(round_)
    await courier.round()
    assert [to for to, _ in texts()] == [citizen]
    assert receiver.refused == 0
    assert citizen not in str(listed(database))


async def test_what_was_told_is_removed_in_time_and_what_waits_is_told_all_the_same(
    database: Database,
    hook: Webhook,
    outbox: Outbox,
    courier: Courier,
    city: City,
    receiver: Receiver,
    noise_complaint: dict[str, Any],
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(removal, "BATCH", 2)
    rules, common = Retention.of_city(city), {"name": "派单员", "password_hash": "-", "active": True}

    def tell(connection: Connection) -> None:
        outbox.hand_on(connection, clock())
        outbox.tell_due(connection, clock())

    async def remove_after(days: int) -> int:
        clock.forward(timedelta(days=days))
        return await remove_told(database, rules, clock)

    def kept() -> list[int]:
        counts = [select(func.count()).select_from(table) for table in (deliveries.deliveries, notices)]
        return database.read_now(lambda c: [c.execute(count).scalar_one() for count in counts])

    dispatcher = {"login": "dispatcher", "role": Role.DISPATCHER, "unit": None, "created_at": clock(), **common}
    await database.write(lambda c: c.execute(insert(users).values(**dispatcher)))
    for _ in range(3):
        await database.write(lambda c: open_order(c, noise_complaint, clock(), needs_person=True, reason="没听懂"))
    await database.write(tell)
    clock.forward(timedelta(days=1))  # Past the quiet hours.
    await database.write(tell)
    receiver.answers = [web.Response(status=410)]
    while await courier.round():
        clock.forward(timedelta(days=1))
    sent, told = kept()
    payload = {"type": "test", "timestamp": clock().isoformat(), "data": {}}
    await database.write(lambda c: deliveries.add_webhooks(c, [(hook, None, payload)], clock()))
    await database.write(lambda c: open_order(c, noise_complaint, clock(), needs_person=True, reason="没听懂"))
    assert DeliveryState.DEAD in {delivery.state for delivery in listed(database)}

    assert await remove_after(80) == 0
    assert await remove_after(10) == sent
    assert kept() == [1, told]
    assert await remove_after(400) == told
    await database.write(tell)
    assert [delivery.state for delivery in listed(database)][-1] == DeliveryState.WAITING
    told_of = select(func.count(notices.c.event_id.distinct()))
    assert database.read_now(lambda c: c.execute(told_of).scalar_one()) == 1, "the new order's event alone"


async def test_what_a_killed_worker_held_is_taken_over_when_its_lease_is_over(
    database: Database, hook: Webhook, clock: SetClock
) -> None:
    payload = {"type": "test", "timestamp": clock().isoformat(), "data": {}}
    await database.write(lambda c: deliveries.add_webhooks(c, [(hook, None, payload)], clock()))

    def take() -> list[Parcel]:
        return database.write_now(lambda c: deliveries.take(c, ["webhook"], clock()))

    [first] = take()
    assert take() == []
    clock.forward(deliveries.LEASE)
    [second] = take()
    assert (second.message_id, second.attempts) == (first.message_id, 2)
    # The first one lives after all: what it has to say of the delivery comes too late.
    late = Undelivered("late", permanent=True)
    await database.write(lambda c: deliveries.failed(c, first, late, 10, timedelta(0), clock()))
    assert listed(database)[0].state == DeliveryState.WAITING
    await database.write(lambda c: deliveries.delivered(c, second, clock()))
    assert listed(database)[0].state == DeliveryState.DELIVERED


@pytest.mark.parametrize(("kind", "workers"), [("sqlite", 1), ("postgresql", 2)])
async def test_workers_that_are_killed_lose_nothing_and_tell_nothing_twice(
    kind: str,
    workers: int,
    request: pytest.FixtureRequest,
    open_settings: Settings,
    receiver: Receiver,
    noise_complaint: dict[str, Any],
) -> None:
    count, kills = 1200, 4
    url = open_settings.database_url if kind == "sqlite" else request.getfixturevalue("postgresql_url")()
    database = Database(url, vault(open_settings))
    schema.upgrade(database)
    hook = database.write_now(lambda c: webhooks.add(c, NewWebhook(url=receiver.url("/hook")), utc_now()))
    receiver.secret = webhook_secret(open_settings, hook.id)
    environment = {
        **os.environ,
        "HOTLINE_DATA_DIR": str(open_settings.data_dir),
        "HOTLINE_DATABASE_URL": url,
        "HOTLINE_SECRET_KEY": open_settings.secret_key.get_secret_value(),
        "HOTLINE_WEBHOOK_PRIVATE_ADDRESSES": "true",
    }

    async def start() -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "hotline", "worker")
        return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)

    async def until(done: Callable[[], bool], seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while not done():
                await asyncio.sleep(0.02)

    def open_all(connection: Connection) -> None:
        for _ in range(count):
            # Without a place nothing is dispatched by itself, so that each order has one event.
            open_order(connection, noise_complaint, utc_now(), area_code=None, needs_person=True)

    def some_events_are_handed_on() -> bool:
        return database.read_now(backlog).events < count

    def some_have_arrived(number: int) -> Callable[[], bool]:
        return lambda: receiver.ids.total() > number

    await database.write(open_all)
    running = [await start() for _ in range(workers)]
    for moment in (some_events_are_handed_on, *[some_have_arrived(100 * kill) for kill in range(1, kills)]):
        await until(moment, 60)
        victim = running.pop(0)
        victim.send_signal(signal.SIGKILL)
        await victim.wait()
        running.append(await start())
    await until(lambda: len(receiver.ids) >= count and database.read_now(backlog).deliveries == 0, 120)
    for process in running:
        process.terminate()
        await process.wait()

    sent = {delivery.message_id for delivery in listed(database, limit=2 * count)}
    assert set(receiver.ids) == sent
    assert len(sent) == count
    assert receiver.refused == 0
    told = database.read_now(
        lambda c: c.execute(select(func.count(), func.count(notices.c.event_id.distinct())).select_from(notices)).one()
    )
    assert tuple(told) == (count, count)
    database.close()
