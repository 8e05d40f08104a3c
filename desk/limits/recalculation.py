"""Running clocks after `city/deadlines.yml`, the working calendar or the national list of holidays has changed.

Each clock keeps the fingerprint of the rules its end was reckoned by; one that differs from the rules in force is
reckoned anew, in batches that can stop and go on anywhere. An end set by hand stays. A light that was told stays told,
and one that the new end has passed already is told by the next sweep. Every function takes the connection of a running
transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, func, or_, select, update

from desk.life import proceedings
from desk.limits.clocks import Clocks, circumstances, moments
from desk.limits.deadlines import PAUSED_STEPS, Deadline, Light, Pause, Running, Step
from desk.orders.register import add_event
from desk.orders.tables import clocks as table
from desk.orders.tables import pauses, work_orders

BATCH = 100
"""Orders whose clocks are reckoned anew in one transaction: some 0.1 s with two clocks each."""
PAGE = 500
KIND = "clock_changed"
"""The event of an order whose clocks have got another end."""

_RUNS = table.c.ended_at.is_(None)
_ROWS = select(table, *(work_orders.c[name] for name in ("urgency", "line", "nature", "complex"))).join(
    work_orders, work_orders.c.id == table.c.work_order_id
)


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A running clock and its deadline by the rules in force."""

    id: int
    order_id: int
    clock: Running
    told: Light | None
    waits: bool
    """Whether it stands still, because the unit waits for the citizen."""
    deadline: Deadline

    @property
    def moves(self) -> bool:
        """Whether its end is another one now."""
        return self.deadline.due != self.clock.due


@dataclass(frozen=True, slots=True)
class Batch:
    """How many orders were looked at in a batch, and how many clocks got another end."""

    orders: int
    moved: int


def count_stale(connection: Connection, clocks: Clocks) -> int:
    """How many clocks run by other rules than those in force."""
    query = select(func.count()).select_from(table).where(_RUNS, or_(*_stale(clocks)))
    return int(connection.execute(query).scalar_one())


def preview(connection: Connection, clocks: Clocks, after: int = 0) -> list[Reckoned]:
    """What a recalculation would come to, page by page: the next stale clocks with an id above `after`."""
    query = _ROWS.where(_RUNS, or_(*_stale(clocks)), table.c.id > after).order_by(table.c.id).limit(PAGE)
    return _reckon(connection, clocks, connection.execute(query).mappings().all())


def recalculate(connection: Connection, clocks: Clocks, now: datetime) -> Batch:
    """Reckon the clocks of the next orders anew, at most `BATCH`, and write to the log of each what moved.

    An order that somebody holds is left for a later batch: no orders in a batch does not mean that none is left.
    """
    ids: Sequence[int] = ()
    for stale in _stale(clocks):
        ids = ids or connection.execute(select(table.c.work_order_id).where(_RUNS, stale).limit(BATCH)).scalars().all()
    held = select(work_orders.c.id).where(work_orders.c.id.in_(ids)).with_for_update(skip_locked=True)
    mine = connection.execute(held).scalars().all()
    if not mine:
        return Batch(0, 0)
    query = _ROWS.where(_RUNS, table.c.work_order_id.in_(mine)).order_by(table.c.id)
    reckoned = _reckon(connection, clocks, connection.execute(query).mappings().all())
    if reckoned:
        change = update(table).where(table.c.id == bindparam("wanted"))
        connection.execute(change, [_values(each) | {"rules": clocks.fingerprint} for each in reckoned])
    moved = [each for each in reckoned if each.moves]
    _tell(connection, moved, now)
    return Batch(len(mine), len(moved))


def _stale(clocks: Clocks) -> tuple[ColumnElement[bool], ...]:
    # Two ranges of the index, where "differs" would read all that runs.
    return (table.c.rules < clocks.fingerprint, table.c.rules > clocks.fingerprint)


def _reckon(connection: Connection, clocks: Clocks, rows: Sequence[RowMapping]) -> list[Reckoned]:
    waits = _pauses(connection, {row["work_order_id"] for row in rows})
    return [_of(row, clocks, waits.get(row["work_order_id"], [])) for row in rows]


def _of(row: RowMapping, clocks: Clocks, waits: Sequence[Pause]) -> Reckoned:
    clock = Running(Step(row["step"]), row["since"], row["red"], row["by_hand"])
    return Reckoned(
        id=row["id"],
        order_id=row["work_order_id"],
        clock=clock,
        told=Light(row["light"]) if row["light"] else None,
        waits=clock.step in PAUSED_STEPS and any(pause.end is None for pause in waits),
        deadline=clocks.rules.anew(clock, circumstances(row), waits, clocks.calendar),
    )


def _pauses(connection: Connection, order_ids: Iterable[int]) -> dict[int, list[Pause]]:
    query = select(pauses).where(pauses.c.work_order_id.in_(order_ids)).order_by(pauses.c.id)
    found: dict[int, list[Pause]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["work_order_id"], []).append(Pause(row["start"], row["end"]))
    return found


def _values(each: Reckoned) -> dict[str, object]:
    lights = not each.waits and each.clock.step is not Step.RETURN
    change = each.deadline.next_change(each.told) if lights else None
    return {"wanted": each.id, **moments(each.deadline), "next_change": change}


def _tell(connection: Connection, moved: Sequence[Reckoned], now: datetime) -> None:
    """One event for each order, with all its clocks that moved."""
    told: dict[int, list[dict[str, str]]] = {}
    for each in moved:
        proceedings.clock_moved(connection, each.order_id, each.clock.step, each.clock.due, each.deadline.due)
        change = {"before": each.clock.due.isoformat(), "due": each.deadline.due.isoformat()}
        told.setdefault(each.order_id, []).append({"step": each.clock.step, **change})
    for order_id, changes in told.items():
        add_event(connection, order_id, KIND, {"clocks": changes}, now, "clock")
