"""Erasing who the citizen of an order is: after the years of `city/retention.yml`, or at once by an administrator.

What stays is what statistics need: category, place as an area, units, times, outcomes. Erasing twice changes nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, RowMapping, delete, func, select, update

from core.city import City
from core.problems import Problem
from desk.closing.callbacks import callbacks
from desk.exchange.inbound import inbound_messages
from desk.life.lifecycle import TO
from desk.orders import proxies
from desk.orders.model import FINAL_STATES, WorkOrder
from desk.orders.register import add_event, find, row_of
from desk.orders.tables import idempotency_keys, work_order_events, work_orders
from desk.orders.words import words
from desk.personal_data.looks import looks
from desk.repeated.supporters import supporters
from desk.telling import texts

BATCH = 100
"""Orders erased in one transaction: some ten rows each."""
ENDINGS = [move for move, state in TO.items() if state in FINAL_STATES]
NO_CODE = "------"
"""In place of the query code: no proof a citizen can give is equal to it."""

Forget = Callable[[Connection, Sequence[str]], None]
"""Removes what was said in conversations; the rooms that keep messages and calls each bring one."""
ForgetOrder = Callable[[Connection, int], None]
"""Removes what is kept with one order, by the order's id."""


class _Span(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    years: int = Field(ge=0, le=100)
    source: str

    def before(self, now: datetime) -> datetime:
        """The same day so many years ago."""
        try:
            return now.replace(year=now.year - self.years)
        except ValueError:  # the 29th of February
            return now.replace(year=now.year - self.years, day=28)


class _Days(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    days: int = Field(ge=1, le=3660)
    source: str

    def before(self, now: datetime) -> datetime:
        """So many days ago."""
        return now - timedelta(days=self.days)


class Retention(BaseModel):
    """`city/retention.yml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    orders: _Span
    messages: _Span
    recordings: _Days
    deliveries: _Days
    notices: _Days
    event_data: frozenset[str]

    @classmethod
    def of_city(cls, city: City) -> "Retention":
        """A city's rules. Raises pydantic's ValidationError naming what is wrong."""
        return cls.model_validate(city.read("retention.yml"))


class Erasure:
    """Erases under one set of rules; `forget` are the conversations' keepers, `forget_order` the orders'."""

    def __init__(self, rules: Retention, forget: Sequence[Forget], forget_order: Sequence[ForgetOrder] = ()) -> None:
        self.rules = rules
        self._keepers = forget
        self._order_keepers = forget_order

    def forget(self, connection: Connection, conversation_ids: Sequence[str]) -> None:
        """Remove all that was said in these conversations."""
        for forget in self._keepers:
            forget(connection, conversation_ids)

    def erase(self, connection: Connection, number: str, reason: str, now: datetime, actor: str) -> WorkOrder:
        """Erase one order that has ended. Raises Problem 404, or 409 while it is open."""
        row = row_of(connection, number)
        if row["state"] not in FINAL_STATES:
            detail = f"work order {number} is {row['state']}; only an order that has ended can be erased"
            raise Problem(409, "Conflict", detail, field="number")
        if row["erased_at"] is None:
            self._erase(connection, row, {"reason": reason}, now, actor)
        return find(connection, number)

    def erase_due(self, connection: Connection, now: datetime) -> int:
        """Erase the next orders that ended long enough ago, at most `BATCH`; returns how many."""
        until = self.rules.orders.before(now)
        ended = (
            select(func.max(work_order_events.c.at))
            .where(work_order_events.c.work_order_id == work_orders.c.id, work_order_events.c.kind.in_(ENDINGS))
            .scalar_subquery()
        )
        due = (
            select(work_orders)
            # It was opened before it ended: the index leaves few for the log to be asked about.
            .where(work_orders.c.state.in_(FINAL_STATES), work_orders.c.created_at < until)
            .where(work_orders.c.erased_at.is_(None), ended < until)
            .order_by(work_orders.c.id)
            .limit(BATCH)
        )
        rows = connection.execute(due).mappings().all()
        for row in rows:
            self._erase(connection, row, {"after_years": self.rules.orders.years}, now, "retention")
        return len(rows)

    def _erase(self, connection: Connection, row: RowMapping, why: dict[str, Any], now: datetime, actor: str) -> None:
        order_id = row["id"]
        connection.execute(
            update(work_orders)
            .where(work_orders.c.id == order_id)
            .values(
                **dict.fromkeys(
                    (
                        "contact_phone",
                        "phone_trace",
                        "contact_email",
                        "contact_name",
                        "id_number",
                        "filed_by",
                        "reply",
                        "place_key",
                        "company_name",
                        "credit_code",
                        "summary",
                        "place",
                        "lat",
                        "long",
                        "occurred",
                        "conversation_id",
                        "message_id",
                    )
                ),
                text=words()["erasure"]["text"],
                query_code=NO_CODE,
                erased_at=now,
            )
        )
        connection.execute(delete(idempotency_keys).where(idempotency_keys.c.work_order_id == order_id))
        connection.execute(delete(inbound_messages).where(inbound_messages.c.work_order_id == order_id))
        connection.execute(update(looks).where(looks.c.work_order_id == order_id).values(note=None))
        for forget_order in self._order_keepers:
            forget_order(connection, order_id)
        self._empty_log(connection, order_id)
        connection.execute(update(callbacks).where(callbacks.c.work_order_id == order_id).values(note=None))
        self._forget_conversation(connection, row["conversation_id"])
        self._forget_supporters(connection, order_id)
        proxies.forget(connection, order_id, now)
        texts.forget(connection, order_id)
        add_event(connection, order_id, "erased", why, now, actor)

    def _forget_supporters(self, connection: Connection, order_id: int) -> None:
        """Who joined the order is as unknown afterwards as who opened it; how many they were stays."""
        joined = supporters.c.work_order_id == order_id
        for conversation in connection.execute(select(supporters.c.conversation_id).where(joined)).scalars().all():
            self._forget_conversation(connection, conversation)
        unknown = {"conversation_id": "", "contact_phone": None, "text": None, "query_code": NO_CODE}
        connection.execute(update(supporters).where(joined).values(**unknown))

    def _empty_log(self, connection: Connection, order_id: int) -> None:
        entries = select(work_order_events).where(work_order_events.c.work_order_id == order_id)
        for entry in connection.execute(entries).mappings().all():
            kept = {name: value for name, value in entry["data"].items() if name in self.rules.event_data}
            if kept != entry["data"]:
                # The database lets an entry be changed only to one that says so.
                connection.execute(
                    update(work_order_events)
                    .where(work_order_events.c.id == entry["id"])
                    .values(data={**kept, "erased": True})
                )

    def _forget_conversation(self, connection: Connection, conversation_id: str | None) -> None:
        """Unless another order came of the same conversation: then it goes with the last of them."""
        others = select(work_orders.c.id).where(work_orders.c.conversation_id == conversation_id)
        if conversation_id is None or connection.execute(others).first():
            return
        self.forget(connection, [conversation_id])
