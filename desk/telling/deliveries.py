"""What leaves the house, durably: rows with a next try, a lease and an end.

A delivery is due at `due_at`. Taking it moves that moment by a lease, so that another worker takes over when this one
is killed; a failed try moves it by the back-off. After a carrier's last try it is dead until a person retries it.
What cannot go its way now goes another one, or is held until its receiver writes again.
A receiver gets each delivery at least once, always under the same `message_id`.

Every function takes the connection of a running transaction.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from pydantic import BaseModel, ConfigDict
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    or_,
    select,
    update,
)

from core.clock import Clock
from core.database import Database, UtcDateTime, metadata, one_of
from core.problems import Problem
from desk.access.people import users
from desk.exchange import answers, settling
from desk.orders.register import by_id
from desk.orders.tables import work_orders
from desk.orders.words import words
from desk.telling import noticeboard, texts, webhooks
from desk.telling.carriers import Carrier, Mail, OrderFacts, Parcel, Undelivered
from desk.telling.noticeboard import notices
from desk.telling.notices import CITIZEN
from desk.telling.texts import conversation_of, openid_of
from desk.telling.webhooks import Webhook

log = logging.getLogger(__name__)

AT_ONCE = 50
LEASE = timedelta(seconds=20)
"""Longer than a carrier's time-out, so that nothing is taken twice while it is under way."""
FIRST_WAIT = timedelta(seconds=10)
WAIT_GROWS = 4
LONGEST_WAIT = timedelta(hours=6)
"""10 s, 40 s, 3 min, 11 min, 43 min, 3 h, 6 h …: a webhook's ten tries span about a day."""


class DeliveryState(StrEnum):
    """Where a delivery is on its way."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up; an administrator may retry it."""
    HELD = "held"
    """Its receiver cannot be reached until they write again."""


deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("message_id", String(40), nullable=False, unique=True),
    Column("carrier", String(10), nullable=False),
    Column("webhook_id", ForeignKey("webhooks.id")),
    Column("event_id", ForeignKey("work_order_events.id")),
    Column("notice_id", ForeignKey("notices.id"), unique=True),
    Column("text_id", ForeignKey("texts.id"), unique=True),
    Column("answer_id", ForeignKey("answers.id"), unique=True),
    Column("payload", JSON),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("last_error", String(300)),
    one_of("state", DeliveryState),
    UniqueConstraint("event_id", "webhook_id"),
    Index(None, "state", "due_at"),
)


class Delivery(BaseModel):
    """One delivery as an administrator sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    message_id: str
    carrier: str
    webhook_id: str | None
    state: DeliveryState
    attempts: int
    made_at: datetime
    due_at: datetime
    ended_at: datetime | None
    last_error: str | None


def add_webhooks(
    connection: Connection, announcements: Sequence[tuple[Webhook, int | None, dict[str, Any]]], now: datetime
) -> None:
    """Have payloads delivered to webhooks, each with the id of its event."""
    if announcements:
        made = [_new("webhook", now, webhook_id=h.id, event_id=e, payload=payload) for h, e, payload in announcements]
        connection.execute(insert(deliveries), made)


def add_notices(connection: Connection, sent: Sequence[tuple[int, str]], now: datetime) -> None:
    """Have notices delivered, each by the carrier named with it."""
    if sent:
        connection.execute(insert(deliveries), [_new(carrier, now, notice_id=notice) for notice, carrier in sent])


def add_mail(connection: Connection, order_id: int, key: str, mail: Mail, text: str, now: datetime) -> None:
    """Have a letter about an order delivered, once for each `key`."""
    text_id = texts.write(connection, key, text, now, order_id=order_id, mail=asdict(mail))
    if text_id is not None:
        connection.execute(insert(deliveries), [_new("email", now, text_id=text_id)])


def orders_of(connection: Connection, message_ids: Sequence[str]) -> list[int]:
    """The ids of the orders that these deliveries were about."""
    query = (
        select(func.coalesce(texts.texts.c.work_order_id, notices.c.work_order_id))
        .select_from(deliveries)
        .join(texts.texts, texts.texts.c.id == deliveries.c.text_id, isouter=True)
        .join(notices, notices.c.id == deliveries.c.notice_id, isouter=True)
        .where(deliveries.c.message_id.in_(message_ids))
    )
    return [order_id for order_id in connection.execute(query).scalars() if order_id is not None]


def add_text(
    connection: Connection, order_id: int | None, key: str, phone: str, text: str, now: datetime, due_at: datetime
) -> bool:
    """Have a text delivered to a number (E.164) from `due_at` on, once for each `key`; about an order where it is one.

    Returns whether it is new.
    """
    text_id = texts.write(connection, key, text, now, order_id=order_id, phone=phone)
    if text_id is not None:
        connection.execute(insert(deliveries), [{**_new("sms", now, text_id=text_id), "due_at": due_at}])
    return text_id is not None


def add_wechat(
    connection: Connection, openid: str, key: str, text: str, now: datetime, buttons: Sequence[str] = ()
) -> None:
    """Have a text delivered to an OpenID, once for each `key`."""
    text_id = texts.write(connection, key, text, now, openid=openid, buttons=buttons)
    if text_id is not None:
        connection.execute(insert(deliveries), [_new("wechat", now, text_id=text_id)])


def release(connection: Connection, openid: str, now: datetime) -> None:
    """Somebody has written: what was held for them is due."""
    _change_held(connection, openid, state=DeliveryState.WAITING, due_at=now)


def stop_held(connection: Connection, openid: str, reason: str, now: datetime) -> None:
    """Somebody is not to be told anything any more: what was held for them is dead."""
    for text_id in _change_held(connection, openid, state=DeliveryState.DEAD, last_error=reason, ended_at=now):
        if text_id is not None:
            texts.empty(connection, text_id)


def add_answers(connection: Connection, sources: Collection[str], now: datetime) -> int:
    """Have the answers delivered that these platforms have not got and that are on no way yet; returns how many."""
    query = (
        select(answers.answers.c.id)
        .join(deliveries, deliveries.c.answer_id == answers.answers.c.id, isouter=True)
        .where(
            answers.answers.c.source.in_(list(sources)),
            answers.answers.c.settled_at.is_(None),
            deliveries.c.id.is_(None),
        )
        .order_by(answers.answers.c.id)
        .limit(answers.MOST)
    )
    ids = connection.execute(query).scalars().all()
    if ids:
        connection.execute(insert(deliveries), [_new("answer", now, answer_id=answer_id) for answer_id in ids])
    return len(ids)


def take(connection: Connection, carriers: Sequence[str], now: datetime) -> list[Parcel]:
    """Lease what is due, the longest due first."""
    due = (
        select(deliveries.c.id)
        .where(
            deliveries.c.state == DeliveryState.WAITING,
            deliveries.c.due_at <= now,
            deliveries.c.carrier.in_(list(carriers)),
        )
        .order_by(deliveries.c.due_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    ids = connection.execute(due).scalars().all()
    leased = (
        update(deliveries)
        .where(deliveries.c.id.in_(ids))
        .values(due_at=now + LEASE, attempts=deliveries.c.attempts + 1)
        .returning(deliveries)
    )
    return [_parcel(connection, row) for row in connection.execute(leased).mappings().all()] if ids else []


def delivered(connection: Connection, parcel: Parcel, now: datetime, said: str | None = None) -> None:
    """Note that a parcel has arrived; what its receiver said to an answer may be the receipt for it."""
    if parcel.webhook_id is not None:
        webhooks.note_success(connection, parcel.webhook_id, now)
    if _end(connection, parcel, DeliveryState.DELIVERED, None, now) and parcel.text_id is not None:
        texts.empty(connection, parcel.text_id)
    if parcel.source is not None:
        receipts = [receipt for receipt in answers.receipts_in(said or "") if receipt.id == parcel.answer_id]
        settling.settle(connection, parcel.source, receipts, now, parcel.source)


def failed(
    connection: Connection, parcel: Parcel, failure: Undelivered, most: int, wait: timedelta, now: datetime
) -> bool:
    """Note that a try failed; the next one is after `wait`, unless it was the last.

    A notice that cannot be delivered one way goes by the next of its ways.

    Returns whether its webhook should be disabled.
    """
    # The webhook's row is changed before the delivery's, everywhere: two workers never wait for each other.
    hopeless = parcel.webhook_id is not None and (
        webhooks.note_failure(connection, parcel.webhook_id, failure.error, now) or failure.gone
    )
    for_good = failure.permanent or parcel.attempts >= most
    if (for_good or failure.closed) and _go_another_way(connection, parcel, failure.error, now):
        return hopeless
    if failure.closed and not failure.permanent:
        connection.execute(_held(parcel).values(state=DeliveryState.HELD, attempts=0, last_error=failure.error))
    elif for_good:
        _end(connection, parcel, DeliveryState.DEAD, failure.error, now)
    else:
        connection.execute(_held(parcel).values(due_at=now + wait, last_error=failure.error))
    return hopeless


def stop_webhook(connection: Connection, webhook_id: str, reason: str, now: datetime) -> bool:
    """Send a webhook nothing any more; what waits for it is dead. Returns whether it was active."""
    waiting = update(deliveries).where(
        deliveries.c.webhook_id == webhook_id, deliveries.c.state == DeliveryState.WAITING
    )
    stopped = webhooks.switch(connection, webhook_id, on=False)
    if stopped:
        connection.execute(waiting.values(state=DeliveryState.DEAD, last_error=reason, ended_at=now))
    return stopped


def list_deliveries(
    connection: Connection,
    *,
    state: DeliveryState | None = None,
    webhook_id: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """The newest deliveries first; `before` is the id of the last one of the page before."""
    query = select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
    for column, value in (("state", state), ("webhook_id", webhook_id)):
        if value is not None:
            query = query.where(deliveries.c[column] == value)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    return [Delivery.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def retry(connection: Connection, delivery_id: int, now: datetime) -> Delivery:
    """Try a dead delivery again from the beginning. Raises Problem 404, or 409 when it is not dead or cannot be."""
    query = select(deliveries).where(deliveries.c.id == delivery_id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"id: no delivery {delivery_id}", field="id")
    if row["state"] != DeliveryState.DEAD:
        raise Problem(409, "Conflict", f"id: delivery {delivery_id} is {row['state']}; only a dead one can be retried")
    if row["webhook_id"] is not None and not webhooks.find(connection, row["webhook_id"]).active:
        raise Problem(409, "Conflict", f"id: webhook {row['webhook_id']} of this delivery is disabled; enable it first")
    again = {"state": DeliveryState.WAITING, "attempts": 0, "due_at": now, "ended_at": None}
    change = update(deliveries).where(deliveries.c.id == delivery_id).values(**again).returning(deliveries)
    return Delivery.model_validate(dict(connection.execute(change).mappings().one()))


def backoff(attempts: int, jitter: float) -> timedelta:
    """How long to wait after so many failed tries; `jitter` from 0 to 1 spreads it from half to the whole.

    Spread, so that all that failed with a receiver does not come back to it in one moment.
    """
    whole: timedelta = min(FIRST_WAIT * WAIT_GROWS ** min(attempts - 1, 10), LONGEST_WAIT)
    return whole * (0.5 + jitter / 2)


class Courier:
    """Takes what is due, sends it by the carrier it is for, and notes what came of it."""

    def __init__(
        self,
        database: Database,
        carriers: Mapping[str, Carrier],
        clock: Clock,
        disabled_text: str,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._carriers = carriers
        self._clock = clock
        self._disabled_text = disabled_text
        self._jitter = jitter

    async def round(self) -> int:
        """Send what is due, at most `AT_ONCE`; returns how much it was."""
        names, now = list(self._carriers), self._clock()
        parcels = await self._database.write(lambda c: take(c, names, now))
        await asyncio.gather(*[self._deliver(parcel) for parcel in parcels])
        return len(parcels)

    async def close(self) -> None:
        """Let go of connections."""
        for carrier in self._carriers.values():
            await carrier.close()

    async def _deliver(self, parcel: Parcel) -> None:
        carrier = self._carriers[parcel.carrier]
        try:
            said = await carrier.send(parcel, self._clock())
        except Exception as error:
            failure = error if isinstance(error, Undelivered) else Undelivered(type(error).__name__)
            wait, now = backoff(parcel.attempts, self._jitter()), self._clock()
            await self._database.write(lambda c: self._note(c, parcel, failure, carrier.most_attempts, wait, now))
            return
        ended = self._clock()
        await self._database.write(lambda c: delivered(c, parcel, ended, said))

    def _note(
        self, connection: Connection, parcel: Parcel, failure: Undelivered, most: int, wait: timedelta, now: datetime
    ) -> None:
        hopeless = failed(connection, parcel, failure, most, wait, now)
        if hopeless and parcel.webhook_id and stop_webhook(connection, parcel.webhook_id, "webhook disabled", now):
            text = self._disabled_text.format(host=urlsplit(parcel.url or "").hostname)
            noticeboard.tell_admins(connection, "webhook_disabled", text, now)
            log.warning("a webhook was disabled", extra={"webhook": parcel.webhook_id})


def _new(carrier: str, now: datetime, **values: Any) -> dict[str, Any]:
    common = {"state": DeliveryState.WAITING, "attempts": 0, "made_at": now, "due_at": now}
    return {"message_id": f"msg_{uuid4().hex}", "carrier": carrier, **common, **values}


def _go_another_way(connection: Connection, parcel: Parcel, error: str, now: datetime) -> bool:
    """Have a notice go by the next of its ways; returns whether there is one."""
    of = select(notices.c.ways).join(deliveries, deliveries.c.notice_id == notices.c.id)
    ways: list[str] = connection.execute(of.where(deliveries.c.id == parcel.id)).scalar() or []
    if parcel.carrier not in ways[:-1]:
        return False
    later = ways[ways.index(parcel.carrier) + 1]
    connection.execute(_held(parcel).values(carrier=later, attempts=0, due_at=now, last_error=error))
    return True


def _held(parcel: Parcel) -> Any:
    """The change of a delivery by who holds it; one whose lease ran out and was taken by another changes nothing."""
    return update(deliveries).where(
        deliveries.c.id == parcel.id,
        deliveries.c.attempts == parcel.attempts,
        deliveries.c.state == DeliveryState.WAITING,
    )


def _change_held(connection: Connection, openid: str, **values: Any) -> list[int | None]:
    """Change what is held for somebody; returns the ids of the texts, None for each notice."""
    own_text = select(texts.texts.c.id).where(texts.is_to(connection, openid))
    own_notice = (
        select(notices.c.id)
        .join(work_orders, work_orders.c.id == notices.c.work_order_id)
        .where(notices.c.id == deliveries.c.notice_id, work_orders.c.conversation_id == conversation_of(openid))
    )
    theirs = or_(deliveries.c.text_id.in_(own_text), own_notice.exists())
    held = update(deliveries).where(deliveries.c.state == DeliveryState.HELD, theirs)
    return list(connection.execute(held.values(**values).returning(deliveries.c.text_id)).scalars())


def _end(connection: Connection, parcel: Parcel, state: DeliveryState, error: str | None, now: datetime) -> bool:
    """Whether it was still held by who ends it."""
    ended = connection.execute(_held(parcel).values(state=state, last_error=error, ended_at=now))
    return ended.rowcount == 1


def _parcel(connection: Connection, row: RowMapping) -> Parcel:
    """What a delivery carries. A phone is looked up when it is needed, and not kept a second time."""
    known: dict[str, Any] = {name: row[name] for name in ("id", "message_id", "attempts", "carrier")}
    if row["webhook_id"] is not None:
        hook = webhooks.find(connection, row["webhook_id"])
        return Parcel(**known, webhook_id=hook.id, url=hook.url, payload=row["payload"])
    if row["text_id"] is not None:
        text = connection.execute(select(texts.texts).where(texts.texts.c.id == row["text_id"])).mappings().one()
        return Parcel(
            **known,
            phone=text["phone"],
            openid=text["openid"],
            mail=Mail(**text["mail"]) if text["mail"] else None,
            text=text["text"],
            buttons=tuple(text["buttons"] or ()),
            text_id=text["id"],
        )
    if row["answer_id"] is not None:
        source, answer = answers.find(connection, row["answer_id"])
        payload = {"type": "answer", "timestamp": answer.at.isoformat(), "data": answer.model_dump(mode="json")}
        return Parcel(**known, source=source, answer_id=answer.id, payload=payload)
    notice = connection.execute(select(notices).where(notices.c.id == row["notice_id"])).mappings().one()
    if row["carrier"] == "email":
        return Parcel(**known, **_letter(connection, notice))
    if notice["recipient"] == CITIZEN:
        order = by_id(connection, notice["work_order_id"])
        return Parcel(
            **known,
            phone=order["contact_phone"],
            openid=openid_of(order["conversation_id"]),
            text=notice["text"],
            order=OrderFacts(order["number"], order["category"], order["state"]),
        )
    phone = select(users.c.phone).where(users.c.login == notice["recipient"], users.c.active)
    return Parcel(**known, phone=connection.execute(phone).scalar(), text=notice["text"])


def _letter(connection: Connection, notice: RowMapping) -> dict[str, Any]:
    """A notice to a citizen as a letter, with how to learn more; nothing personal stands in it."""
    query = select(work_orders.c.number, work_orders.c.contact_email).where(work_orders.c.id == notice["work_order_id"])
    number, address = connection.execute(query).one()
    say = words()["mail"]
    mail = Mail(address, say["subject"].format(number=number)) if address else None
    return {"mail": mail, "text": say["text"].format(notice=notice["text"])}
