"""What a citizen may know of an order, and the proof that it is theirs.

A number can be guessed, so it opens nothing alone: the proof is the last four digits of the contact phone or the
six-digit query code. Wrong proofs are counted per number and refused past a limit.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from core.city import City
from core.clock import to_city_time
from core.problems import Problem
from desk.orders import proxies
from desk.orders.model import FiledBy, Outcome, ProxyAct, WorkOrder
from desk.orders.numbers import parse_order_number
from desk.orders.proxies import Proxy
from desk.orders.tables import query_failures, work_orders
from desk.orders.words import words
from desk.repeated.supporters import Person, is_tail, persons_of

WINDOW = timedelta(hours=1)


class Progress(BaseModel):
    """The part of an order its citizen may see."""

    number: str
    line: str
    line_name: str
    category: str | None
    category_name: str | None
    unit: str | None
    referred_to: str | None
    state: str
    state_name: str
    reply: str | None
    outcome: Outcome | None
    outcome_name: str | None
    replied_at: datetime | None
    created_at: datetime
    updated_at: datetime


def progress_of(order: WorkOrder, city: City) -> Progress:
    """What the citizen may know of `order`."""
    category = city.categories.get(order.category) if order.category else None
    return Progress(
        number=order.number,
        line=order.line,
        line_name=words()["lines"][order.line],
        category=order.category,
        category_name=category.name if category else None,
        unit=order.unit or (city.responsibilities.general(category.id).lead if category else None),
        referred_to=order.referred_to,
        state=order.state,
        state_name=words()["states"][order.state],
        reply=order.reply,
        outcome=order.outcome,
        outcome_name=words()["outcomes"][order.outcome] if order.outcome else None,
        replied_at=to_city_time(order.replied_at) if order.replied_at else None,
        created_at=to_city_time(order.created_at),
        updated_at=to_city_time(order.updated_at),
    )


def card_of(order: WorkOrder, city: City) -> dict[str, Any]:
    """`progress_of` with the query code: for the citizen who has just opened the order."""
    return {**progress_of(order, city).model_dump(mode="json"), "query_code": order.query_code}


def too_many_failures(connection: Connection, number: str, now: datetime, limit: int) -> bool:
    """Whether wrong proofs for `number` reached `limit` within the last hour."""
    count = connection.execute(
        select(func.count())
        .select_from(query_failures)
        .where(query_failures.c.number == number, query_failures.c.at > now - WINDOW)
    ).scalar_one()
    return int(count) >= limit


def recognise(
    connection: Connection,
    written: str,
    proof: str,
    now: datetime,
    limit: int,
    act: ProxyAct = ProxyAct.PROGRESS,
) -> Person | None:
    """Whose number and proof they are, of those the order is handled for, or None when they do not fit.

    Who filed it for somebody else (帮办代办), or is of the citizen's family (家人同办), proves it with the own phone's
    tail, as long as the proxy lasts, and stands for the citizen.

    A misfit is counted. Must run in a write. Raises Problem 422 for a number that cannot be one, 429 past the limit,
    403 for an act the proxy does not cover.
    """
    number = parse_order_number(written)
    if number is None:
        raise Problem(422, "Unprocessable Content", f"number: {written[:40]!r} is not an order number", field="number")
    if too_many_failures(connection, number, now, limit):
        raise Problem(429, "Too Many Requests", f"number: too many wrong tries for {number}", retry_after=3600)
    row = connection.execute(select(work_orders).where(work_orders.c.number == number)).mappings().first()
    people = [] if row is None else persons_of(connection, row)
    for person in people:
        if person.proves(proof.strip()):
            return person
    found = [] if row is None else _proxies(connection, row, proof.strip())
    if any(proxy.may(act, to_city_time(now).date()) for proxy in found):
        return people[0]
    if found:
        proxy = found[-1]
        detail = f"proof: the proxy of this order covers {', '.join(proxy.scope)} until {proxy.until}, not {act}"
        raise Problem(403, "Forbidden", detail, field="proof")
    connection.execute(delete(query_failures).where(query_failures.c.at <= now - WINDOW))
    connection.execute(insert(query_failures).values(number=number, at=now))
    return None


def _proxies(connection: Connection, row: RowMapping, proof: str) -> list[FiledBy | Proxy]:
    """Those who act for the citizen and whose phone ends like the proof."""
    acting: list[FiledBy | Proxy] = [*proxies.of_order(connection, row["id"])]
    if row["filed_by"]:
        acting.append(FiledBy.model_validate(row["filed_by"]))
    return [proxy for proxy in acting if is_tail(proxy.phone, proof)]
