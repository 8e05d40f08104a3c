"""Pages of the list of orders by filter, beside a bare `SELECT … LIMIT 50` by primary key, among few orders and many.

`BENCH_ORDERS=10000,200000` measures other numbers of orders than the two below.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, insert, select, text

from core.database import Database
from desk.orders.listing import Filters, page
from desk.orders.tables import clocks, work_orders
from hotline import schema
from tests.postgresql import running as postgresql

ORDERS = tuple(int(count) for count in os.environ.get("BENCH_ORDERS", "10000,1000000").split(","))
BATCH, ROUNDS, UNITS, SIZE = 20_000, 60, 150, 50
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
OPEN_SHARE, RED_SHARE = 0.03, 0.1
WEEK = {"from": NOW - timedelta(days=37), "to": NOW - timedelta(days=30)}
BARE = select(work_orders).order_by(work_orders.c.id.desc()).limit(SIZE)
FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "category": {"category": "09"},
    "line": {"line": "enterprise"},
    "state, common": {"state": "closed"},
    "state, rare": {"state": "returning"},
    "unit": {"unit": "unit 7"},
    "unit and state": {"unit": "unit 7", "state": "in_progress"},
    "light": {"light": "red"},
    "light and unit": {"light": "red", "unit": "unit 7"},
    "source": {"source": "province"},
    "a week": WEEK,
    "a week and category": {**WEEK, "category": "09"},
    "a week and words": {**WEEK, "text": "路灯"},
}


async def measure(console: Console) -> Table:
    """Fill databases of both kinds step by step and read pages; return the table."""
    table = Table(title="pages of 50 orders, ms p50 / p95 (times the bare SELECT's p50)", title_justify="left")
    for column in ("filter", *(f"{name}, {count:,}" for name in ("SQLite", "PostgreSQL") for count in ORDERS)):
        table.add_column(column)
    cells: dict[str, list[str]] = {name: [] for name in ("bare SELECT", *FILTERS)}
    with tempfile.TemporaryDirectory() as folder, postgresql(Path(folder) / "pg") as new_database:
        for name, url in (("SQLite", f"sqlite:///{folder}/bench.db"), ("PostgreSQL", new_database())):
            database = Database(url)
            schema.upgrade(database)
            for found in _measured(console, name, database):
                for row, cell in found.items():
                    cells[row].append(cell)
            database.close()
    for row, found_cells in cells.items():
        table.add_row(row, *found_cells)
    return table


def _measured(console: Console, name: str, database: Database) -> Iterator[dict[str, str]]:
    filled = 0
    for count in ORDERS:
        console.print(f"lists: {name}, {count:,} orders …")
        while filled < count:
            step = min(BATCH, count - filled)
            database.write_now(lambda c, first=filled, step=step: _fill(c, first, step))  # type: ignore[misc]
            filled += step
        database.write_now(lambda c: c.execute(text("ANALYZE")))
        base = _times(database, lambda c: c.execute(BARE).mappings().all())
        cells = {"bare SELECT": _shown(base, base)}
        for filter_name, wanted in FILTERS.items():
            filters = Filters.model_validate(wanted)
            cells[filter_name] = _shown(_times(database, lambda c, f=filters: _pages(c, f)), base)  # type: ignore[misc]
        yield cells


def _pages(connection: Connection, wanted: Filters) -> None:
    page(connection, wanted, limit=SIZE)


def _times(database: Database, work: Callable[[Connection], object]) -> list[float]:
    database.read_now(work)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        database.read_now(work)
        times.append((time.perf_counter() - began) * 1000)
    return times


def _shown(times: list[float], base: list[float]) -> str:
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    return f"{p50:.1f} / {p95:.1f} ({p50 / statistics.median(base):.1f})"


def _fill(connection: Connection, first: int, count: int) -> None:
    """A year of orders, most of them closed; some open ones show a light."""
    chance = random.Random(first)
    orders, running = [], []
    for number in range(first + 1, first + count + 1):
        is_open = chance.random() < OPEN_SHARE
        at = NOW - timedelta(seconds=(ORDERS[-1] - number) * 365 * 86400 // ORDERS[-1])
        orders.append(
            {
                "id": number,
                "number": f"{number:020}",
                "query_code": "123456",
                "line": "enterprise" if chance.random() < 0.15 else "citizen",
                "channel": "web",
                "state": chance.choice(["in_progress"] * 8 + ["pending_sign", "returning"]) if is_open else "closed",
                "automatic": False,
                "unit": f"unit {chance.randrange(UNITS)}",
                "category": f"{chance.randrange(22) + 1:02}",
                "source": "province" if chance.random() < 0.05 else None,
                "text": chance.choice(["路灯不亮，晚上看不见路", "工地欠薪两个月", "楼下烧烤店油烟很大"]),
                "ranking": [],
                "assist_units": [],
                "created_at": at,
                "updated_at": at,
            }
        )
        light = "red" if is_open and chance.random() < RED_SHARE else None
        moments = dict.fromkeys(("since", "yellow", "orange", "red"), at)
        ended = None if is_open else at
        running.append({"work_order_id": number, "step": "finish", **moments, "light": light, "ended_at": ended})
    connection.execute(insert(work_orders), orders)
    connection.execute(insert(clocks), running)
