"""催办: a citizen hurries an order; after some times, or at a red light, somebody higher hears of it.

Every function takes the connection of a running transaction.
"""

from datetime import datetime

from sqlalchemy import Connection, select

from core.calendar import WorkingCalendar
from desk.closing import aftercare
from desk.limits.deadlines import Light
from desk.orders.register import add_event, count_events, last_event, open_row
from desk.orders.tables import clocks, work_order_events

UNIT_HEAD, OFFICE = "unit_head", "hotline_office"


def expedite(
    connection: Connection,
    number: str,
    rules: aftercare.Expediting,
    calendar: WorkingCalendar,
    now: datetime,
    actor: str,
) -> datetime | None:
    """Note that a citizen asks for the order to be hurried.

    Returns None, or, when it was hurried just now and nothing is noted, from when on it may be again.
    Raises Problem 404, or 409 when the order is no longer open.
    """
    row = open_row(connection, number)
    last = last_event(connection, row["id"], "expedited")
    if last is not None and (again := rules.pause.end(last["at"], calendar)) > now:
        return again
    add_event(connection, row["id"], "expedited", {}, now, actor)
    times = count_events(connection, row["id"], "expedited")
    if _is_red(connection, row["id"]):
        _escalate(connection, row["id"], OFFICE, times, now)
    elif times % rules.escalate_after == 0:
        _escalate(connection, row["id"], UNIT_HEAD if row["unit"] else OFFICE, times, now)
    return None


def _escalate(connection: Connection, order_id: int, to: str, times: int, now: datetime) -> None:
    """Tell somebody higher, each once: the head of the unit first, then the hotline office."""
    earlier = select(work_order_events.c.data).where(
        work_order_events.c.work_order_id == order_id, work_order_events.c.kind == "escalated"
    )
    told = [event["to"] for event in connection.execute(earlier).scalars() if event.get("because") == "expedited"]
    if to in told and to == UNIT_HEAD:
        to = OFFICE
    if to not in told:
        data = {"to": to, "because": "expedited", "times": times}
        add_event(connection, order_id, "escalated", data, now, "clock")


def _is_red(connection: Connection, order_id: int) -> bool:
    running = select(clocks.c.id).where(
        clocks.c.work_order_id == order_id,
        clocks.c.ended_at.is_(None),
        clocks.c.light == Light.RED,
    )
    return connection.execute(running.limit(1)).first() is not None
