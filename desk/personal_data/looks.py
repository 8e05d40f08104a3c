"""Looks at who a citizen is: each is written down, for the auditors and for the citizen (个人信息保护法 第44、45条).

Every function takes the connection of a running transaction.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, Connection, ForeignKey, Index, Integer, Select, String, Table, insert, select

from core.access import Principal
from core.clock import to_city_time
from core.database import UtcDateTime, metadata, vault_of
from desk.orders.tables import work_orders
from desk.orders.words import words

looks = Table(
    "looks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(50), nullable=False),
    Column("role", String(20), nullable=False),
    Column("unit", String(50)),
    Column("purpose", String(20), nullable=False),
    Column("note", String(200)),
    Index(None, "work_order_id"),
    Index(None, "actor"),
)


class Purpose(StrEnum):
    """What somebody wants to know a citizen's contact for."""

    CALL_BACK = "call_back"
    VERIFY = "verify"
    VISIT = "visit"
    HANDLE = "handle"
    SUPERVISE = "supervise"
    OTHER = "other"
    """Something else: the note says what."""


SEARCH = "search"
"""The purpose of a look by searching for a phone number: it tells whose the orders are."""


class Look(BaseModel):
    """One look, as auditors see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    number: str
    at: datetime
    actor: str
    role: str
    unit: str | None
    purpose: str
    note: str | None


class ToldLook(BaseModel):
    """One look, as it is told to the citizen: by which unit or role, and what for; no person's name."""

    id: int
    at: datetime
    by: str
    purpose: str


def write_down(
    connection: Connection, order_ids: Iterable[int], who: Principal, purpose: str, note: str | None, now: datetime
) -> None:
    """Remember that somebody looked at who the citizens of these orders are."""
    entry = {"actor": who.name, "role": str(who.role), "unit": who.unit, "purpose": purpose, "note": note, "at": now}
    if entries := [{"work_order_id": order_id, **entry} for order_id in order_ids]:
        connection.execute(insert(looks), entries)


def list_looks(
    connection: Connection,
    *,
    number: str | None = None,
    actor: str | None = None,
    phone: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Look]:
    """The newest looks first: at one order, by one of the staff, at all orders of one phone number (E.164)."""
    query = _newest(before, limit)
    if number is not None:
        query = query.where(work_orders.c.number == number)
    if actor is not None:
        query = query.where(looks.c.actor == actor)
    if phone is not None:
        query = query.where(work_orders.c.phone_trace.in_(vault_of(connection).traces(phone)))
    return [Look.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def looks_for_citizen(
    connection: Connection, number: str, before: int | None = None, limit: int = 50
) -> list[ToldLook]:
    """The looks at one order as its citizen is told of them, the newest first."""
    found = connection.execute(_newest(before, limit).where(work_orders.c.number == number)).mappings()
    say = words()
    return [
        ToldLook(
            id=row["id"],
            at=to_city_time(row["at"]),
            by=row["unit"] or say["roles"][row["role"]],
            purpose=say["purposes"][row["purpose"]],
        )
        for row in found
    ]


def _newest(before: int | None, limit: int) -> Select[tuple[object, ...]]:
    query = (
        select(looks, work_orders.c.number)
        .join(work_orders, work_orders.c.id == looks.c.work_order_id)
        .order_by(looks.c.id.desc())
        .limit(limit)
    )
    return query if before is None else query.where(looks.c.id < before)
