"""The people concerned by an order: who opened it, who joined it, and those of the orders merged into it.

Every function takes the connection of a running transaction.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from core.database import Sealed, UtcDateTime, metadata
from core.problems import Problem
from desk.life.lifecycle import Move
from desk.limits.clocks import end
from desk.limits.deadlines import Step
from desk.orders.model import OPEN_STATES, State
from desk.orders.numbers import query_code
from desk.orders.register import add_event, by_id, locked
from desk.orders.tables import work_orders

PHONE_TAIL = 4

supporters = Table(
    "supporters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("conversation_id", String(200), nullable=False),
    Column("contact_phone", Sealed),
    Column("text", Text),
    Column("query_code", String(6), nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
    Column("left_at", UtcDateTime),
    Index(None, "work_order_id"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody concerned by an order: the citizen who opened `number`, or supporter number `supporter` of it."""

    number: str
    order_id: int
    supporter: int | None
    phone: str | None
    query_code: str
    conversation_id: str | None
    left: bool

    @property
    def id(self) -> str:
        """How call-backs name them."""
        return self.number if self.supporter is None else f"{self.number}+{self.supporter}"

    def proves(self, proof: str) -> bool:
        """Whether a proof is theirs: the last four digits of the phone, or the query code."""
        return is_tail(self.phone, proof) or hmac.compare_digest(self.query_code.encode(), proof.encode())


def is_tail(phone: str | None, proof: str) -> bool:
    """Whether a proof is the last four digits of a phone."""
    tail = (phone or "")[-PHONE_TAIL:]
    return len(tail) == PHONE_TAIL and hmac.compare_digest(tail.encode(), proof.encode())


def persons_of(connection: Connection, order: RowMapping) -> list[Person]:
    """The citizen of an order and those who joined this very order, the earliest first; who left is marked."""
    citizen = Person(
        order["number"],
        order["id"],
        None,
        order["contact_phone"],
        order["query_code"],
        order["conversation_id"],
        order["forsaken"],
    )
    rows = connection.execute(
        select(supporters).where(supporters.c.work_order_id == order["id"]).order_by(supporters.c.id)
    ).mappings()
    joined = [
        Person(
            order["number"],
            order["id"],
            row["id"],
            row["contact_phone"],
            row["query_code"],
            row["conversation_id"],
            row["left_at"] is not None,
        )
        for row in rows
    ]
    return [citizen, *joined]


def concerned(connection: Connection, order: RowMapping) -> list[Person]:
    """Everybody an order is handled for, without those who have left."""
    return [person for one in family(connection, order) for person in persons_of(connection, one) if not person.left]


def family(connection: Connection, order: RowMapping) -> Iterator[RowMapping]:
    """The order, and all that are merged into it, however deep."""
    yield order
    merged = select(work_orders).where(work_orders.c.merged_into == order["id"]).order_by(work_orders.c.id)
    for row in connection.execute(merged).mappings().all():
        yield from family(connection, row)


def handled_in(connection: Connection, order: RowMapping) -> RowMapping:
    """The order in which a matter is handled: itself, or the one it was merged into. It is locked."""
    while order["merged_into"] is not None:
        query = select(work_orders).where(work_orders.c.id == order["merged_into"]).with_for_update()
        order = connection.execute(query).mappings().one()
    return order


def number_of(connection: Connection, person: Person) -> str:
    """The number under which somebody's matter is handled now."""
    return str(handled_in(connection, by_id(connection, person.order_id))["number"])


def join(
    connection: Connection,
    number: str,
    conversation_id: str,
    phone: str | None,
    text: str | None,
    now: datetime,
    actor: str,
) -> tuple[Person, bool]:
    """Let a citizen join an open order ("+1"); returns them, and whether they are new.

    Whoever is concerned already, by the conversation or the phone, is returned as they are; who left comes back.
    Raises Problem 404 without such an order, 409 when it is no longer open.
    """
    row = handled_in(connection, locked(connection, number))
    if row["state"] not in OPEN_STATES:
        detail = f"number: work order {row['number']} is {row['state']}; only open ones can be joined"
        raise Problem(409, "Conflict", detail, field="number")
    for person in (person for one in family(connection, row) for person in persons_of(connection, one)):
        known = person.conversation_id == conversation_id or (phone is not None and person.phone == phone)
        if known and not person.left:
            return person, False
    values = {
        "work_order_id": row["id"],
        "conversation_id": conversation_id,
        "contact_phone": phone,
        "text": text,
        "query_code": query_code(),
        "joined_at": now,
    }
    joined = connection.execute(insert(supporters).values(values).returning(supporters.c.id)).scalar_one()
    add_people(connection, row, 1)
    told = {"supporter": joined, "people": row["people"] + 1, **({"text": text} if text else {})}
    add_event(connection, row["id"], "joined", told, now, actor)
    return next(person for person in persons_of(connection, row) if person.supporter == joined), True


def leave(connection: Connection, person: Person, now: datetime, actor: str) -> None:
    """Withdraw somebody's request: the order goes on for the others, and is withdrawn with the last of them.

    A second time changes nothing. Raises Problem 409 when it is too late.
    """
    own = by_id(connection, person.order_id)
    order = handled_in(connection, own)
    if order["state"] == State.WITHDRAWN or person.left:
        return
    if order["state"] not in OPEN_STATES:
        detail = f"work order {person.number} is {order['state']}; only open orders can be changed"
        raise Problem(409, "Conflict", detail)
    if person.supporter is None:
        connection.execute(update(work_orders).where(work_orders.c.id == own["id"]).values(forsaken=True))
    else:
        connection.execute(update(supporters).where(supporters.c.id == person.supporter).values(left_at=now))
    if concerned(connection, by_id(connection, order["id"])):
        add_people(connection, order, -1)
        add_event(connection, order["id"], "left", {"person": person.id, "people": order["people"] - 1}, now, actor)
        return
    connection.execute(update(work_orders).where(work_orders.c.id == order["id"]).values(state=State.WITHDRAWN))
    end(connection, order["id"], Step, now)
    add_event(connection, order["id"], Move.WITHDRAW, {}, now, actor)


def add_people(connection: Connection, order: RowMapping, more: int) -> None:
    """Count people in or out of an order."""
    connection.execute(
        update(work_orders).where(work_orders.c.id == order["id"]).values(people=work_orders.c.people + more)
    )
