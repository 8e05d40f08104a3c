"""How long the sweep of the lights takes when the same 500 clocks are due among more and more open orders."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, insert, update

from core.city import City
from core.database import Database
from core.sealing import Vault
from core.settings import PROJECT_ROOT
from desk.life.handling import Handling
from desk.orders.tables import clocks, work_order_events, work_orders
from hotline import schema
from tests.postgresql import running as postgresql

OPEN, DUE, ROUNDS, BATCH = (10_000, 100_000, 1_000_000), 500, 5, 20_000
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


async def measure(console: Console) -> Table:
    """Fill databases of both kinds step by step and sweep them; return the table."""
    table = Table(
        title=f"sweep of {DUE} due clocks (in brackets: times that of {OPEN[0]:,} orders)", title_justify="left"
    )
    for column in ("database", *(f"{count:,} open orders, ms" for count in OPEN)):
        table.add_column(column)
    with tempfile.TemporaryDirectory() as folder, postgresql(Path(folder) / "pg") as new_database:
        for name, url in (("SQLite", f"sqlite:///{folder}/bench.db"), ("PostgreSQL", new_database())):
            database = Database(url, Vault(b"bench"))
            schema.upgrade(database)
            found = list(_sweeps(console, name, database))
            table.add_row(name, *(f"{ms:.0f} ({ms / found[0]:.2f})" for ms in found))
            database.close()
    return table


def _sweeps(console: Console, name: str, database: Database) -> Iterator[float]:
    handling, filled = Handling.of_city(City(PROJECT_ROOT / "city")), 0
    for count in OPEN:
        console.print(f"sweep: {name}, {count:,} open orders …")
        while filled < count:
            step = min(BATCH, count - filled)
            database.write_now(lambda c, first=filled, step=step: _fill(c, first, step))  # type: ignore[misc]
            filled += step
        times = []
        for _ in range(ROUNDS):
            database.write_now(_make_due)
            began = time.perf_counter()
            changed = database.write_now(lambda c: handling.sweep(c, NOW))
            times.append((time.perf_counter() - began) * 1000)
            assert changed == DUE, changed
        yield median(times)


def _fill(connection: Connection, first: int, count: int) -> None:
    """Open orders that are due in a month."""
    ids, later = range(first + 1, first + count + 1), NOW + timedelta(days=30)
    base = {"query_code": "123456", "line": "citizen", "channel": "web", "state": "in_progress", "automatic": False}
    base |= {"text": "路灯不亮", "ranking": [], "assist_units": [], "created_at": NOW, "updated_at": NOW}
    connection.execute(insert(work_orders), [{**base, "id": i, "number": f"{i:020}"} for i in ids])
    moments = {"since": NOW, "yellow": later, "orange": later, "red": later, "next_change": later}
    connection.execute(insert(clocks), [{"work_order_id": i, "step": "finish", **moments} for i in ids])
    events = [{"work_order_id": i, "sequence": 1, "at": NOW, "actor": "bot", "kind": "opened", "data": {}} for i in ids]
    connection.execute(insert(work_order_events), events)


def _make_due(connection: Connection) -> None:
    """Let the first clocks turn yellow now."""
    moments = {"yellow": NOW, "light": None, "next_change": NOW}
    connection.execute(update(clocks).where(clocks.c.id <= DUE).values(**moments))
