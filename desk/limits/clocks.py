"""The clocks of orders as the database keeps them: starting, stopping, pausing, and the change of their lights.

Every function takes the connection of a running transaction.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, RowMapping, insert, select, update

from core.calendar import WorkingCalendar
from core.problems import Problem
from desk.limits.deadlines import PAUSED_STEPS, Circumstances, Deadline, Deadlines, Light, Limit, Pause, Step, later
from desk.orders.model import Line, Nature, Urgency
from desk.orders.tables import clocks, pauses, work_orders

LONGEST_BY_HAND = timedelta(days=366)


class StepClock(BaseModel):
    """A step's clock as it is shown: until when, which light, and when it ended."""

    step: Step
    since: datetime
    due: datetime
    light: Light | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """A light that has changed."""

    work_order_id: int
    unit: str | None
    step: Step
    light: Light
    at: datetime


class Clocks:
    """The clocks of orders under one set of rules and one calendar; each keeps the `fingerprint` of both."""

    def __init__(self, rules: Deadlines, calendar: WorkingCalendar) -> None:
        self.rules = rules
        self.calendar = calendar
        told = rules.fingerprint() + calendar.fingerprint()
        self.fingerprint = hashlib.sha256(told.encode()).hexdigest()[:16]

    def start(
        self, connection: Connection, order: RowMapping, step: Step, now: datetime, due: datetime | None = None
    ) -> datetime:
        """Start a step's clock, up to `due` or for the time the rules give, and return its end.

        One that runs already is ended first.
        """
        end(connection, order["id"], [step], now)
        if due is None:
            deadline = self.rules.deadline(step, circumstances(order), now, self.calendar)
        else:
            deadline = self.rules.until(step, circumstances(order), now, due, self.calendar)
        values = moments(deadline) | {"next_change": deadline.next_change(None)}
        if step is Step.RETURN:
            # A right that ends, and no duty: it has no lights.
            values["next_change"] = None
        kept = {"by_hand": due is not None, "rules": self.fingerprint}
        connection.execute(insert(clocks).values(work_order_id=order["id"], step=step, since=now, **kept, **values))
        return deadline.due

    def go_on(self, connection: Connection, order: RowMapping, step: Step) -> None:
        """Let a step's last clock run on as if it had not ended."""
        clock = _last(connection, order["id"], step)
        if clock is not None:
            connection.execute(update(clocks).where(clocks.c.id == clock["id"]).values(ended_at=None))
            self._set(connection, order, clock, clock["red"])

    def pause(self, connection: Connection, order: RowMapping, now: datetime) -> None:
        """Stop the clocks while the unit waits for the citizen: nothing changes until they run on."""
        connection.execute(insert(pauses).values(work_order_id=order["id"], start=now))
        connection.execute(
            update(clocks)
            .where(clocks.c.work_order_id == order["id"], clocks.c.step.in_(PAUSED_STEPS), clocks.c.ended_at.is_(None))
            .values(next_change=None)
        )

    def resume(self, connection: Connection, order: RowMapping, now: datetime) -> None:
        """Let the clocks run on; what the pause lasted is added at their end."""
        open_pauses = select(pauses).where(pauses.c.work_order_id == order["id"], pauses.c.end.is_(None))
        pause = connection.execute(open_pauses).mappings().one()
        connection.execute(update(pauses).where(pauses.c.id == pause["id"]).values(end=now))
        for step in PAUSED_STEPS:
            clock = _running(connection, order["id"], step)
            if clock is not None:
                limit = self.rules.limit(step, circumstances(order))
                due = later(clock["red"], Pause(max(pause["start"], clock["since"]), now), limit, self.calendar)
                self._set(connection, order, clock, due)

    def extend(self, connection: Connection, order: RowMapping, extension: Limit) -> None:
        """Give the unit more time to finish."""
        clock = _running(connection, order["id"], Step.FINISH)
        if clock is not None:
            self._set(connection, order, clock, extension.end(clock["red"], self.calendar), by_hand=True)

    def is_over(self, connection: Connection, order_id: int, step: Step, now: datetime) -> bool:
        """Whether a running step's time is over."""
        clock = _running(connection, order_id, step)
        return clock is not None and clock["red"] <= now

    def changes(self, connection: Connection, now: datetime, most: int) -> list[Change]:
        """Change the lights whose moment has come, at most so many clocks at once; return what changed, oldest first.

        A clock nobody looked at for long changes by all the lights it missed, each told once.
        """
        query = (
            select(clocks, work_orders.c.unit)
            .join(work_orders, work_orders.c.id == clocks.c.work_order_id)
            .where(clocks.c.next_change <= now)
            .order_by(clocks.c.next_change)
            .limit(most)
            # An order that somebody holds is left for the next round: no worker waits for another, or for a clerk.
            .with_for_update(skip_locked=True)
        )
        found: list[Change] = []
        for row in connection.execute(query).mappings().all():
            shown = Light(row["light"]) if row["light"] else None
            passed = [light for light in Light if row[light] <= now and light.follows(shown)]
            found += [
                Change(row["work_order_id"], row["unit"], Step(row["step"]), light, row[light]) for light in passed
            ]
            shown = passed[-1] if passed else shown
            coming = min((row[light] for light in Light if light.follows(shown)), default=None)
            connection.execute(update(clocks).where(clocks.c.id == row["id"]).values(light=shown, next_change=coming))
        return found

    def of(self, connection: Connection, order_id: int) -> list[StepClock]:
        """All clocks of an order, the oldest first."""
        query = select(clocks).where(clocks.c.work_order_id == order_id).order_by(clocks.c.id)
        return [StepClock.model_validate({**row, "due": row["red"]}) for row in connection.execute(query).mappings()]

    def _set(
        self, connection: Connection, order: RowMapping, clock: RowMapping, due: datetime, *, by_hand: bool = False
    ) -> None:
        """Give a clock another end; a light that has been told stays told, one that was passed is told next."""
        deadline = self.rules.until(Step(clock["step"]), circumstances(order), clock["since"], due, self.calendar)
        told = Light(clock["light"]) if clock["light"] else None
        values = moments(deadline) | {"next_change": deadline.next_change(told)}
        if by_hand:
            values["by_hand"] = True
        connection.execute(update(clocks).where(clocks.c.id == clock["id"]).values(**values))


def must_be_ahead(until: datetime, now: datetime, field: str) -> None:
    """Raise Problem 422 unless a time limit that was set by hand ends after now and within a year."""
    if not now < until <= now + LONGEST_BY_HAND:
        detail = f"{field}: {until.isoformat()} has to be after now and within {LONGEST_BY_HAND.days} days"
        raise Problem(422, "Unprocessable Content", detail, field=field)


def end(connection: Connection, order_id: int, steps: Iterable[Step], now: datetime) -> None:
    """End the clocks of these steps that still run."""
    connection.execute(
        update(clocks)
        .where(clocks.c.work_order_id == order_id, clocks.c.step.in_(list(steps)), clocks.c.ended_at.is_(None))
        .values(ended_at=now, next_change=None)
    )


def drop(connection: Connection, order_id: int, now: datetime) -> None:
    """End all clocks of an order, and its pause if it waits for the citizen."""
    end(connection, order_id, Step, now)
    waits = (pauses.c.work_order_id == order_id) & pauses.c.end.is_(None)
    connection.execute(update(pauses).where(waits).values(end=now))


def circumstances(order: RowMapping) -> Circumstances:
    """What an order's time limits depend on."""
    return Circumstances(
        urgency=Urgency(order["urgency"]),
        line=Line(order["line"]),
        nature=Nature(order["nature"]) if order["nature"] else None,
        complex=order["complex"],
    )


def moments(deadline: Deadline) -> dict[str, Any]:
    """The columns of a clock that say when its lights change."""
    return {light.value: at for light, at in deadline.lights}


def _last(connection: Connection, order_id: int, step: Step) -> RowMapping | None:
    query = (
        select(clocks)
        .where(clocks.c.work_order_id == order_id, clocks.c.step == step)
        .order_by(clocks.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).mappings().first()


def _running(connection: Connection, order_id: int, step: Step) -> RowMapping | None:
    clock = _last(connection, order_id, step)
    return clock if clock is not None and clock["ended_at"] is None else None
