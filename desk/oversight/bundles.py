"""同类诉求: enterprise orders of one category and county within some days, as one figure and one report.

Every function takes the connection of a running transaction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, and_, select

from desk.limits.deadlines import Light, Step
from desk.orders.model import OPEN_STATES, Line, WorkOrder
from desk.orders.tables import clocks, work_order_events, work_orders
from desk.oversight.report_texts import Writer, day, share
from desk.units.dispatch import COUNTY


class Bundle(BaseModel):
    """Enterprise orders of one category and county. `county` is the city's own code for orders without a place.

    `late` counts the orders that ever showed red, `asked` those whose company was reached by a call-back, `satisfied`
    those of them that were satisfied the last time.
    """

    category: str
    category_name: str
    county: str
    county_name: str
    since: datetime
    until: datetime
    count: int
    open: int
    late: int
    asked: int
    satisfied: int
    open_share: float
    late_share: float
    satisfied_share: float | None
    numbers: list[str]


class BundleReport(BaseModel):
    """A bundle and its report, in Markdown."""

    bundle: Bundle
    text: str


def bundles(connection: Connection, writer: Writer, now: datetime, days: int, least: int) -> list[Bundle]:
    """The bundles of at least so many orders in the last days, the largest first. Orders without a category wait."""
    since = now - timedelta(days=days)
    orders = sorted(_orders(connection, since, now), key=lambda order: _key(order, writer))
    groups = [(key, list(group)) for key, group in groupby(orders, key=lambda order: _key(order, writer))]
    late, satisfied = _late(connection, since, now), _satisfied(connection, since, now)
    found = [_bundle(key, group, writer, (since, now), late, satisfied) for key, group in groups if len(group) >= least]
    return sorted(found, key=lambda bundle: -bundle.count)


def report(
    connection: Connection, writer: Writer, category: str, county: str, now: datetime, days: int
) -> BundleReport | None:
    """The report on one bundle; None when there was no such order in the last days."""
    key, since = (category, county), now - timedelta(days=days)
    orders = [order for order in _orders(connection, since, now) if _key(order, writer) == key]
    if not orders:
        return None
    late, satisfied = _late(connection, since, now), _satisfied(connection, since, now)
    bundle = _bundle(key, orders, writer, (since, now), late, satisfied)
    return BundleReport(bundle=bundle, text=writer.bundle(_fields(bundle), orders))


def _fields(bundle: Bundle) -> dict[str, Any]:
    """A bundle's figures as its report tells them."""
    return {
        **bundle.model_dump(exclude={"numbers"}),
        "category": bundle.category_name,
        "county": bundle.county_name,
        "since": day(bundle.since),
        "until": day(bundle.until),
        "open_share": share(bundle.open_share),
        "late_share": share(bundle.late_share),
        "satisfied_share": share(bundle.satisfied_share),
    }


def _key(order: WorkOrder, writer: Writer) -> tuple[str, str]:
    return order.category or "", (order.area_code or writer.city.code)[:COUNTY]


def _bundle(
    key: tuple[str, str],
    orders: Sequence[WorkOrder],
    writer: Writer,
    period: tuple[datetime, datetime],
    late: set[str],
    satisfied: dict[str, bool],
) -> Bundle:
    numbers = [order.number for order in orders]
    asked = [satisfied[number] for number in numbers if number in satisfied]
    still_open, were_late = sum(order.state in OPEN_STATES for order in orders), len(late & set(numbers))
    return Bundle(
        category=key[0],
        category_name=writer.city.categories[key[0]].name,
        county=key[1],
        county_name=writer.area(key[1]),
        since=period[0],
        until=period[1],
        count=len(orders),
        open=still_open,
        late=were_late,
        asked=len(asked),
        satisfied=sum(asked),
        open_share=still_open / len(orders),
        late_share=were_late / len(orders),
        satisfied_share=sum(asked) / len(asked) if asked else None,
        numbers=numbers,
    )


def _orders(connection: Connection, since: datetime, until: datetime) -> list[WorkOrder]:
    query = select(work_orders).where(_within(since, until)).order_by(work_orders.c.id)
    return [WorkOrder.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def _late(connection: Connection, since: datetime, until: datetime) -> set[str]:
    query = (
        select(work_orders.c.number)
        .join(clocks, clocks.c.work_order_id == work_orders.c.id)
        .where(_within(since, until), clocks.c.light == Light.RED, clocks.c.step != Step.RETURN)
        .distinct()
    )
    return set(connection.execute(query).scalars())


def _satisfied(connection: Connection, since: datetime, until: datetime) -> dict[str, bool]:
    """By order, what the last call-back that reached the company said."""
    query = (
        select(work_orders.c.number, work_order_events.c.data)
        .join(work_order_events, work_order_events.c.work_order_id == work_orders.c.id)
        .where(_within(since, until), work_order_events.c.kind == "callback")
        .order_by(work_order_events.c.id)
    )
    return {number: data["satisfied"] for number, data in connection.execute(query).all() if data["reached"]}


def _within(since: datetime, until: datetime) -> ColumnElement[bool]:
    return and_(
        work_orders.c.line == Line.ENTERPRISE,
        work_orders.c.category.is_not(None),
        work_orders.c.created_at > since,
        work_orders.c.created_at <= until,
    )
