"""Figures of the queues for the supervisor: who waits now, and how today went (人工接通率, 15秒接通率).

Every function takes the connection of a running transaction.
"""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, RowMapping, select

from core.clock import to_city_time
from desk.orders.model import Line
from ivr.flow import Ended
from ivr.people import seats, tasks
from ivr.people.rules import Rules
from ivr.people.seats import SeatState
from ivr.people.tables import waits
from ivr.people.waits import HUNG_UP, LOST, WaitState


class LineFigures(BaseModel):
    """A line now and today.

    `entered`: who wanted a person and stood in the queue today. `answered`: of them, who talked with a seat, and
    `answered_in_time` within the seconds of the rule. `abandoned`: who hung up waiting. Shares are of those who do not
    wait any more; None where there are none.
    """

    line: Line
    opens: datetime | None
    seats: int
    ready: int
    waiting: int
    longest_wait_seconds: int
    entered: int
    answered: int
    answered_in_time: int
    abandoned: int
    call_backs: int
    answered_share: float | None
    in_time_share: float | None
    abandoned_share: float | None
    mean_wait_seconds: int | None


class Figures(BaseModel):
    """All lines, and the call-backs that are open; `late`: past their limit."""

    at: datetime
    answered_within: int
    lines: list[LineFigures]
    tasks_open: int
    tasks_late: int


def figures(connection: Connection, rules: Rules, now: datetime) -> Figures:
    """The figures of this moment; today is the city's day."""
    midnight = datetime.combine(to_city_time(now).date(), time(), rules.calendar.zone)
    columns = (waits.c.line, waits.c.state, waits.c.entered_at, waits.c.joined_at, waits.c.how)
    query = select(*columns).where((waits.c.entered_at >= midnight) | (waits.c.state != WaitState.OVER))
    rows = connection.execute(query).mappings().all()
    by_line = {line: [row for row in rows if rules.seats.line(row["line"]) is line] for line in rules.seats.lines}
    opened, late = tasks.counts(connection, rules, now)
    return Figures(
        at=to_city_time(now),
        answered_within=rules.seats.answered_within,
        lines=[_line(connection, rules, line, rows, now) for line, rows in by_line.items()],
        tasks_open=opened,
        tasks_late=late,
    )


def _line(connection: Connection, rules: Rules, line: Line, rows: Sequence[RowMapping], now: datetime) -> LineFigures:
    present = seats.on_duty(connection, rules, now, line)
    waiting = [_seconds(row["entered_at"], now) for row in rows if row["state"] in ("waiting", "offered")]
    answered = [_seconds(row["entered_at"], row["joined_at"]) for row in rows if row["joined_at"] is not None]
    in_time = sum(wait <= rules.seats.answered_within for wait in answered)
    abandoned = sum(row["how"] in (HUNG_UP, LOST) and row["joined_at"] is None for row in rows)
    settled = len(rows) - len(waiting)

    def share(count: int) -> float | None:
        return round(count / settled, 4) if settled else None

    counted: dict[str, Any] = {
        "entered": len(rows),
        "answered": len(answered),
        "answered_in_time": in_time,
        "abandoned": abandoned,
        "call_backs": sum(row["how"] == Ended.CALL_BACK for row in rows),
        "answered_share": share(len(answered)),
        "in_time_share": share(in_time),
        "abandoned_share": share(abandoned),
        "mean_wait_seconds": round(sum(answered) / len(answered)) if answered else None,
    }
    return LineFigures(
        line=line,
        opens=rules.opens(line, now),
        seats=len(present),
        ready=sum(seat.state is SeatState.READY and not seat.talking for seat in present),
        waiting=len(waiting),
        longest_wait_seconds=max(waiting, default=0),
        **counted,
    )


def _seconds(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds())
