"""Call-backs: every attempt to ask a citizen, what they answered, and whether all concerned have been asked.

An order is called back in rounds: each time it is done again, everybody concerned is asked anew. What is asked is kept
apart, because indicators are counted from it: solved, satisfied with the outcome, with how the call was taken, and,
of companies, with the service for companies. Every function takes the connection of a running transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    and_,
    insert,
    or_,
    select,
)

from core.database import UtcDateTime, metadata
from core.problems import Problem
from desk.closing import aftercare
from desk.closing.aftercare import Missed
from desk.limits.deadlines import Step
from desk.orders.model import Line, Outcome, State
from desk.orders.register import row_of
from desk.orders.tables import clocks, work_orders
from desk.personal_data.privacy import masked_phone
from desk.repeated.supporters import Person, concerned


class By(StrEnum):
    """Who wrote an attempt down."""

    SEAT = "seat"
    CITIZEN = "citizen"
    """The citizen answered without being called."""


callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("person", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(10), nullable=False),
    Column("actor", String(50), nullable=False),
    # None: the person was reached.
    Column("missed", String(20)),
    Column("solved", Boolean),
    Column("satisfied", Boolean),
    Column("service_satisfied", Boolean),
    Column("enterprise_satisfied", Boolean),
    Column("note", Text),
    CheckConstraint("\"by\" IN ('seat', 'citizen')", name="known_by"),
    CheckConstraint(f"missed IN ({', '.join(repr(str(kind)) for kind in Missed)})", name="known_missed"),
    Index(None, "work_order_id", "round"),
    Index(None, "at"),
)

ANSWERS = ("solved", "satisfied", "service_satisfied", "enterprise_satisfied")


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a round has come: how many answered satisfied and unsatisfied, and whom somebody still has to call."""

    satisfied: int
    unsatisfied: int
    waiting: tuple[Person, ...]


class PersonDue(BaseModel):
    """Somebody to be asked; `phone` is masked, the whole one is behind the order's contact door."""

    person: str
    phone: str | None
    attempts: int
    missed: list[Missed]
    satisfied: bool | None


class Due(BaseModel):
    """An order whose citizens have to be asked."""

    number: str
    line: Line
    category: str | None
    unit: str | None
    replied_at: datetime
    due: datetime | None
    redone: int
    outcome: Outcome | None
    reply: str | None
    attempts: int
    people: list[PersonDue]


def record(
    connection: Connection, order: RowMapping, person: Person, said: dict[str, Any], by: By, now: datetime, actor: str
) -> None:
    """Store one attempt; `said` has `missed` (None: reached) and, when reached, the answers and a note.

    Raises Problem 409 when the person has answered in this round, 422 for answers that do not belong to the order.
    """
    if said.get("enterprise_satisfied") is not None and order["line"] != Line.ENTERPRISE:
        detail = "enterprise_satisfied: asked of companies only; this order came in on the citizens' line"
        raise Problem(422, "Unprocessable Content", detail, field="enterprise_satisfied")
    if has_answered(connection, order, person):
        raise Problem(409, "Conflict", f"person: {person.id} has answered already")
    kept = {name: said.get(name) for name in ("missed", "note", *ANSWERS)}
    connection.execute(
        insert(callbacks).values(
            work_order_id=order["id"], round=order["redone"], person=person.id, at=now, by=by, actor=actor, **kept
        )
    )


def has_answered(connection: Connection, order: RowMapping, person: Person) -> bool:
    """Whether somebody has answered in the order's round."""
    return any(row["person"] == person.id and row["missed"] is None for row in _round(connection, order))


def standing(connection: Connection, order: RowMapping, rules: aftercare.Callbacks) -> Standing:
    """How far the order's round has come. Who left no phone can answer, and keeps nobody waiting."""
    tried = _round(connection, order)
    answered = {row["person"]: row["satisfied"] for row in tried if row["missed"] is None}

    def missed(person: Person) -> list[Missed]:
        return [Missed(row["missed"]) for row in tried if row["person"] == person.id and row["missed"]]

    waiting = [
        person
        for person in concerned(connection, order)
        if person.phone and person.id not in answered and not rules.are_enough(missed(person))
    ]
    verdicts = list(answered.values())
    return Standing(verdicts.count(True), verdicts.count(False), tuple(waiting))


def person_of(connection: Connection, order: RowMapping, named: str | None) -> Person:
    """The person an attempt names; the first one concerned when none is. Raises Problem 422."""
    people = {person.id: person for person in concerned(connection, order)}
    wanted = named or next(iter(people), order["number"])
    if wanted not in people:
        detail = f"person: {wanted!r} is not concerned by this order; those are {', '.join(people)}"
        raise Problem(422, "Unprocessable Content", detail, field="person")
    return people[wanted]


def due(connection: Connection, *, after: str | None, limit: int) -> list[Due]:
    """The orders to be called back, the oldest reply first; `after` is the last number of the page before."""
    query = (
        select(work_orders)
        .where(work_orders.c.state == State.PENDING_CALLBACK)
        .order_by(work_orders.c.replied_at, work_orders.c.id)
        .limit(limit)
    )
    if after is not None:
        last = row_of(connection, after)
        later = work_orders.c.replied_at > last["replied_at"]
        same = and_(work_orders.c.replied_at == last["replied_at"], work_orders.c.id > last["id"])
        query = query.where(or_(later, same))
    return [_due(connection, row) for row in connection.execute(query).mappings().all()]


def _due(connection: Connection, order: RowMapping) -> Due:
    tried = _round(connection, order)
    people = []
    for person in concerned(connection, order):
        mine = [row for row in tried if row["person"] == person.id]
        missed = [Missed(row["missed"]) for row in mine if row["missed"]]
        satisfied = next((row["satisfied"] for row in mine if row["missed"] is None), None)
        phone = masked_phone(person.phone)
        people.append(PersonDue(person=person.id, phone=phone, attempts=len(mine), missed=missed, satisfied=satisfied))
    until = select(clocks.c.red).where(
        clocks.c.work_order_id == order["id"], clocks.c.step == Step.CALLBACK, clocks.c.ended_at.is_(None)
    )
    told = {**order, "due": connection.execute(until).scalar(), "attempts": len(tried), "people": people}
    return Due.model_validate(told)


def _round(connection: Connection, order: RowMapping) -> list[RowMapping]:
    query = (
        select(callbacks)
        .where(callbacks.c.work_order_id == order["id"], callbacks.c.round == order["redone"])
        .order_by(callbacks.c.id)
    )
    return list(connection.execute(query).mappings())
