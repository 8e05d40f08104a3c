"""The attempts of the campaign to call citizens back: claimed, placed, answered, ended; and whether it is paused.

Every function takes the connection of a running transaction. An attempt is committed before it is dialled and dialled
once: whoever dies in between leaves an attempt of which nothing is heard, and that is no reason to dial it again.
A telephone has at most one attempt under way, as an index of the database sees to.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    and_,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from core.database import Sealed, SealedJson, UtcDateTime, metadata, one_of, vault_of
from desk.access import audit
from desk.orders.model import e164
from desk.orders.register import by_id, traced
from desk.orders.tables import work_orders
from desk.personal_data.privacy import masked_phone
from desk.repeated.supporters import Person, handled_in
from ivr.flow import Instruction
from ivr.out.flow import OutState, OutStep, Result, Where

_UNDER_WAY = text("ended_at IS NULL")

campaign_attempts = Table(
    "campaign_attempts",
    metadata,
    # Unguessable: it stands in the addresses the carrier asks.
    Column("id", String(32), primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("person", String(40), nullable=False),
    Column("nth", Integer, nullable=False),
    Column("phone", Sealed),
    Column("phone_trace", String(64), info={"trace_of": "phone"}),
    Column("carrier", String(20), nullable=False),
    Column("call_sid", String(64)),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("placed_at", UtcDateTime),
    Column("answered_at", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("state", SealedJson),
    Column("instructions", SealedJson),
    Column("result", String(20)),
    Column("seconds", Integer),
    Column("solved", Boolean),
    Column("satisfied", Boolean),
    # When the machine may call this person again about this reply; none once it ended: never.
    Column("again_at", UtcDateTime),
    Column("told_at", UtcDateTime),
    # Why the desk did not take the result.
    Column("refusal", String(300)),
    one_of("result", Result),
    Index(None, "work_order_id", "round"),
    Index(None, "phone_trace", "claimed_at"),
    Index(None, "claimed_at"),
    Index(
        "ix_campaign_attempts_under_way",
        "phone_trace",
        unique=True,
        sqlite_where=_UNDER_WAY,
        postgresql_where=_UNDER_WAY,
    ),
)

# One row: whoever claims an attempt holds it, so that two workers keep to one limit.
campaign = Table(
    "campaign",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("paused_at", UtcDateTime),
    Column("changed_by", String(50)),
    Column("changed_at", UtcDateTime),
    Column("reason", String(200)),
)

THE_CAMPAIGN = 1
UNDER_WAY = campaign_attempts.c.ended_at.is_(None)
_BLANK = dict.fromkeys(("phone", "phone_trace", "state", "instructions", "refusal"))
_STATE = TypeAdapter(OutState)
_INSTRUCTIONS = TypeAdapter(tuple[Annotated[Instruction, Field(discriminator="kind")], ...])


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed attempt: whom to dial."""

    id: str
    phone: str


class Switch(BaseModel):
    """Whether the campaign is paused: since when, by whom, why."""

    paused: bool
    changed_by: str | None = None
    changed_at: datetime | None = None
    reason: str | None = None


class Figures(BaseModel):
    """What the campaign did on a day: calls placed, people reached, how many said solved, satisfied, no more calls."""

    placed: int
    reached: int
    solved: int
    satisfied: int
    refused: int


class Tried(BaseModel):
    """An attempt as it is listed; `phone` is masked."""

    number: str
    person: str
    nth: int
    phone: str | None
    claimed_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    seconds: int | None
    result: Result | None
    solved: bool | None
    satisfied: bool | None
    again_at: datetime | None
    told_at: datetime | None
    refusal: str | None


# ---- the switch -----------------------------------------------------------------------------------------------------


def switch(connection: Connection) -> Switch:
    """Whether the campaign is paused."""
    row = connection.execute(select(campaign).where(campaign.c.id == THE_CAMPAIGN)).mappings().first()
    return Switch(paused=False) if row is None else _switch(row)


def pause(connection: Connection, reason: str, now: datetime, actor: str) -> Switch:
    """Place no more calls; those under way go on. A second time changes nothing."""
    return _turn(connection, {"paused_at": now, "reason": reason}, audit.Kind.CAMPAIGN_PAUSED, now, actor)


def resume(connection: Connection, now: datetime, actor: str) -> Switch:
    """Place calls again. A second time changes nothing."""
    return _turn(connection, {"paused_at": None, "reason": None}, audit.Kind.CAMPAIGN_RESUMED, now, actor)


def _turn(connection: Connection, wanted: dict[str, Any], kind: audit.Kind, now: datetime, actor: str) -> Switch:
    row = held(connection)
    if (row["paused_at"] is None) == (wanted["paused_at"] is None):
        return _switch(row)
    values = {**wanted, "changed_by": actor, "changed_at": now}
    connection.execute(update(campaign).where(campaign.c.id == THE_CAMPAIGN).values(**values))
    audit.note(connection, kind, "campaign", actor, now, {"reason": wanted["reason"]} if wanted["reason"] else {})
    return _switch(held(connection))


def held(connection: Connection) -> RowMapping:
    """The campaign's row, which nobody else holds until the transaction ends."""
    connection.execute(_insert(connection, campaign).values(id=THE_CAMPAIGN).on_conflict_do_nothing())
    query = select(campaign).where(campaign.c.id == THE_CAMPAIGN).with_for_update()
    return connection.execute(query).mappings().one()


def _switch(row: RowMapping) -> Switch:
    told = {name: row[name] for name in ("changed_by", "changed_at", "reason")}
    return Switch(paused=row["paused_at"] is not None, **told)


# ---- an attempt's way -----------------------------------------------------------------------------------------------


def under_way(connection: Connection) -> int:
    """How many attempts have not ended."""
    return connection.execute(select(func.count()).where(UNDER_WAY)).scalar_one()


def start(connection: Connection, order: RowMapping, person: Person, carrier: str, now: datetime) -> Attempt | None:
    """Claim an attempt to call somebody; None when their telephone has one under way."""
    number = e164(person.phone or "")
    if number is None:
        return None
    values = {
        "id": secrets.token_urlsafe(16),
        "work_order_id": order["id"],
        "round": order["redone"],
        "person": person.id,
        "nth": len(of_person(connection, order, person.id)) + 1,
        "phone": number,
        "phone_trace": traced(connection, number),
        "carrier": carrier,
        "claimed_at": now,
        "updated_at": now,
    }
    claimed = _insert(connection, campaign_attempts).values(**values).on_conflict_do_nothing()
    row = connection.execute(claimed.returning(campaign_attempts)).mappings().first()
    return None if row is None else Attempt(row["id"], row["phone"])


def placed(connection: Connection, attempt: str, call_sid: str, now: datetime) -> None:
    """The carrier has taken the attempt as this call."""
    mine = campaign_attempts.c.id == attempt
    values = {"placed_at": func.coalesce(campaign_attempts.c.placed_at, literal(now, UtcDateTime())), "updated_at": now}
    connection.execute(update(campaign_attempts).where(mine).values(**values))
    sid = update(campaign_attempts).where(mine, campaign_attempts.c.call_sid.is_(None)).values(call_sid=call_sid)
    connection.execute(sid)


def locked(connection: Connection, attempt: str) -> RowMapping | None:
    """An attempt's row, which nobody else changes until the transaction ends."""
    query = select(campaign_attempts).where(campaign_attempts.c.id == attempt).with_for_update()
    return connection.execute(query).mappings().first()


def keep(connection: Connection, row: RowMapping, step: OutStep, now: datetime) -> None:
    """Keep what was answered and said last on the call."""
    values = {
        "state": _STATE.dump_python(step.state, mode="json"),
        "instructions": _INSTRUCTIONS.dump_python(step.instructions, mode="json"),
        "solved": step.state.solved,
        "satisfied": step.state.content(Where.SATISFIED),
        "answered_at": row["answered_at"] or now,
        "updated_at": now,
    }
    connection.execute(update(campaign_attempts).where(campaign_attempts.c.id == row["id"]).values(**values))


def end(connection: Connection, attempt: str, values: dict[str, Any], now: datetime) -> None:
    """Note how an attempt ended."""
    ended = {**values, "ended_at": now, "updated_at": now}
    connection.execute(update(campaign_attempts).where(campaign_attempts.c.id == attempt).values(**ended))


def note(connection: Connection, attempt: str, **values: Any) -> None:
    """Change something about an attempt."""
    connection.execute(update(campaign_attempts).where(campaign_attempts.c.id == attempt).values(**values))


def state_of(row: RowMapping) -> OutState | None:
    """Where an attempt's call is; None before it was answered."""
    return None if row["state"] is None else _STATE.validate_python(row["state"])


def said_last(row: RowMapping) -> tuple[Instruction, ...]:
    """What was said last on an attempt's call."""
    return () if row["instructions"] is None else _INSTRUCTIONS.validate_python(row["instructions"])


# ---- looking --------------------------------------------------------------------------------------------------------


def of_person(connection: Connection, order: RowMapping, person: str) -> list[RowMapping]:
    """The attempts of one person in the order's present round, the earliest first."""
    query = (
        select(campaign_attempts)
        .where(
            campaign_attempts.c.work_order_id == order["id"],
            campaign_attempts.c.round == order["redone"],
            campaign_attempts.c.person == person,
        )
        .order_by(campaign_attempts.c.claimed_at, campaign_attempts.c.nth)
    )
    return list(connection.execute(query).mappings())


def of_phone(connection: Connection, number: str, since: datetime) -> list[RowMapping]:
    """The attempts of one telephone since a moment, about whatever order, and the one under way."""
    mine = campaign_attempts.c.phone_trace.in_(vault_of(connection).traces(number))
    query = (
        select(campaign_attempts)
        .where(mine, or_(campaign_attempts.c.claimed_at >= since, UNDER_WAY))
        .order_by(campaign_attempts.c.claimed_at)
    )
    return list(connection.execute(query).mappings())


def done_with(order: Table, now: datetime) -> ColumnElement[bool]:
    """The condition that an attempt of the order's present round keeps the machine from calling now."""
    later = or_(campaign_attempts.c.again_at.is_(None), campaign_attempts.c.again_at > now)
    mine = and_(campaign_attempts.c.work_order_id == order.c.id, campaign_attempts.c.round == order.c.redone)
    return select(campaign_attempts.c.id).where(mine, later).exists()


def silent_since(connection: Connection, moment: datetime, limit: int) -> list[str]:
    """The attempts under way of which nothing was heard since a moment, the oldest first."""
    query = select(campaign_attempts.c.id).where(UNDER_WAY, campaign_attempts.c.updated_at < moment)
    return list(connection.execute(query.order_by(campaign_attempts.c.updated_at).limit(limit)).scalars())


def untold(connection: Connection, since: datetime, limit: int) -> list[str]:
    """The attempts since a moment whose result the desk has refused so far and might take now."""
    waiting = and_(campaign_attempts.c.refusal.is_not(None), campaign_attempts.c.told_at.is_(None))
    query = (
        select(campaign_attempts.c.id)
        .join(work_orders, work_orders.c.id == campaign_attempts.c.work_order_id)
        .where(waiting, campaign_attempts.c.claimed_at >= since)
        .where(work_orders.c.state == "pending_callback", work_orders.c.redone == campaign_attempts.c.round)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def figures(connection: Connection, since: datetime) -> Figures:
    """What the campaign did since a moment."""
    tried = campaign_attempts.c
    reached = tried.result == Result.REACHED
    counted = {
        "placed": tried.placed_at.is_not(None),
        "reached": reached,
        "solved": and_(reached, tried.solved),
        "satisfied": and_(reached, tried.satisfied),
        "refused": tried.result == Result.REFUSED,
    }
    query = select(*(func.count().filter(which).label(name) for name, which in counted.items()))
    return Figures.model_validate(dict(connection.execute(query.where(tried.claimed_at >= since)).mappings().one()))


def tries(connection: Connection, order_id: int | None, before: datetime | None, limit: int) -> list[Tried]:
    """The newest attempts first, of one order or of all; `before` pages on from a `claimed_at`."""
    query = select(campaign_attempts).order_by(campaign_attempts.c.claimed_at.desc(), campaign_attempts.c.id)
    if order_id is not None:
        query = query.where(campaign_attempts.c.work_order_id == order_id)
    if before is not None:
        query = query.where(campaign_attempts.c.claimed_at < before)
    rows = connection.execute(query.limit(limit)).mappings().all()
    return [
        Tried.model_validate(
            {**row, "number": by_id(connection, row["work_order_id"])["number"], "phone": masked_phone(row["phone"])}
        )
        for row in rows
    ]


def forget(connection: Connection, before: datetime, limit: int = 500) -> int:
    """Remove number and words of attempts that ended before a moment; returns how many."""
    due = (
        select(campaign_attempts.c.id)
        .where(campaign_attempts.c.phone_trace.is_not(None), campaign_attempts.c.ended_at < before)
        .limit(limit)
    )
    ids = list(connection.execute(due).scalars())
    if ids:
        connection.execute(update(campaign_attempts).where(campaign_attempts.c.id.in_(ids)).values(**_BLANK))
    return len(ids)


def forget_order(connection: Connection, order_id: int) -> None:
    """Remove number and words of all attempts to reach the people of an order that is erased.

    An attempt under way is over with it: what is still said on its call is kept nowhere.
    """
    order, tried = by_id(connection, order_id), campaign_attempts.c
    its_people = or_(tried.person == order["number"], tried.person.startswith(f"{order['number']}+"))
    # Who joined another order was called about that one.
    elsewhere = and_(tried.work_order_id == handled_in(connection, order)["id"], its_people)
    ended = {
        "ended_at": func.coalesce(tried.ended_at, tried.updated_at),
        "result": func.coalesce(tried.result, literal(Result.SETTLED)),
    }
    theirs = or_(tried.work_order_id == order_id, elsewhere)
    connection.execute(update(campaign_attempts).where(theirs).values(**_BLANK, **ended))


def _insert(connection: Connection, table: Table) -> Any:
    insert_of = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    return insert_of(table)
