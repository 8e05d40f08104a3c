"""What a change of the time limits comes to, as a table."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from rich.console import Console
from rich.table import Column, Table

from core.database import Database
from desk.limits import recalculation
from desk.limits.clocks import Clocks
from desk.limits.deadlines import Step
from desk.limits.recalculation import Reckoned

COLUMNS = ("earlier", "later", "as before", "set by hand", "over at once")


def show_moves(console: Console, database: Database, clocks: Clocks, now: datetime) -> int:
    """Print how many clocks of each step would move, and which way; returns how many run by other rules."""
    counted: dict[Step, Counter[str]] = {step: Counter() for step in Step}
    for reckoned in _all(database, clocks):
        counted[reckoned.clock.step].update(_kinds(reckoned, now))
    stale = sum(found["clocks"] for found in counted.values())
    if not stale:
        console.print("all running clocks follow the rules as they are now", highlight=False)
        return 0
    table = Table(
        Column("step", no_wrap=True), "clocks", *COLUMNS, title="running clocks under the rules as they are now"
    )
    for step, found in counted.items():
        if found:
            table.add_row(step, *(f"{found[name]:,}" for name in ("clocks", *COLUMNS)))
    console.print(table)
    return stale


def _all(database: Database, clocks: Clocks) -> Iterator[Reckoned]:
    after = 0
    while page := database.read_now(lambda c: recalculation.preview(c, clocks, after)):  # noqa: B023 - called at once
        yield from page
        after = page[-1].id


def _kinds(reckoned: Reckoned, now: datetime) -> list[str]:
    before, due = reckoned.clock.due, reckoned.deadline.due
    if reckoned.clock.by_hand:
        return ["clocks", "set by hand"]
    way = "as before" if due == before else "earlier" if due < before else "later"
    return ["clocks", way, *(["over at once"] if due <= now < before else [])]
