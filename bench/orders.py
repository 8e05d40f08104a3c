"""Orders opened a second over HTTP, beside the raw insert rate of the same database and beside django-helpdesk."""

import base64
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import aiohttp
import httpx2
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, insert

from bench.load import side_by_side
from core.clock import utc_now
from core.database import Database
from core.sealing import Vault
from core.secrets import token
from core.settings import PROJECT_ROOT, Settings
from desk.orders.tables import idempotency_keys, work_order_events, work_orders
from hotline import schema
from tests.postgresql import running as postgresql
from tests.system import free_ports

ORDERS, TICKETS, CLIENTS = 3000, 400, (1, 8, 32)
MATTER = {
    "text": "楼下烧烤店每天营业到凌晨，音响声音很大，老人睡不着。",
    "category": "09",
    "confidence": 0.91,
    "nature": "投诉",
    "area_code": "421202001",
    "place": "淦河大道88号",
    "contact_phone": "+8613871234567",
    "line": "citizen",
    "channel": "web",
}
_INSERT_ORDER = insert(work_orders).returning(work_orders.c.id)
_INSERT_EVENT = insert(work_order_events)
_INSERT_KEY = insert(idempotency_keys)
HELPDESK = PROJECT_ROOT / "bench" / "helpdesk"


async def measure(console: Console) -> Table:
    """Run all sides; return the table."""
    table = Table(title="orders opened a second (baselines: raw inserts, django-helpdesk)", title_justify="left")
    for name in (
        "database",
        "clients",
        "over HTTP",
        "raw inserts",
        "share of raw",
        "django-helpdesk",
        "times the peer",
    ):
        table.add_column(name, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        console.print("orders: django-helpdesk …")
        peers = await _tickets_a_second(Path(folder))
        with postgresql(Path(folder) / "postgresql") as new_database:
            urls = {"SQLite": f"sqlite:///{folder}/hotline.db", "PostgreSQL": new_database()}
            for name, url in urls.items():
                console.print(f"orders: {name} …")
                rates = await _orders_a_second(Path(folder) / name, url)
                raw = _inserts_a_second(url if name == "PostgreSQL" else f"sqlite:///{folder}/raw.db")
                for clients, ours, peer in zip(CLIENTS, rates, peers, strict=True):
                    rates_told = f"{ours:.0f}", f"{raw:.0f}", f"{ours / raw:.0%}", f"{peer:.0f}", f"{ours / peer:.1f}"
                    table.add_row(name, str(clients), *rates_told)
    return table


async def _orders_a_second(data_dir: Path, url: str) -> list[float]:
    [port] = free_ports(1)
    environment = {"HOTLINE_DATA_DIR": str(data_dir), "HOTLINE_DATABASE_URL": url, "HOTLINE_LOG_LEVEL": "WARNING"}
    uvicorn = [sys.executable, "-m", "uvicorn", "hotline.app:create", "--factory", "--no-access-log"]
    with _serving([*uvicorn, "--port", str(port)], environment, f"http://127.0.0.1:{port}/healthz"):
        key = token(Settings(_env_file=None, data_dir=data_dir), "service")
        headers = {"Authorization": f"Bearer {key}"}
        return await _posts_a_second(f"http://127.0.0.1:{port}/api/work-orders", MATTER, headers, ORDERS)


async def _tickets_a_second(folder: Path) -> list[float]:
    python = _helpdesk_python()
    [port] = free_ports(1)
    environment = {"BENCH_DATABASE": str(folder / "helpdesk.db")}
    prepare = [str(python), "helpdesk_site.py", "prepare"]
    subprocess.run(prepare, cwd=HELPDESK, env={**os.environ, **environment}, check=True, capture_output=True)
    gunicorn = [str(python.with_name("gunicorn")), "-w", "2", "-b", f"127.0.0.1:{port}", "helpdesk_site:application"]
    ticket = {
        "queue": 1,
        "title": "noise",
        "description": MATTER["text"],
        "priority": 3,
        "submitter_email": "a@example.org",
    }
    headers = {"Authorization": "Basic " + base64.b64encode(b"clerk:clerk").decode()}
    url = f"http://127.0.0.1:{port}/api/tickets/"
    with _serving(gunicorn, environment, url, folder=HELPDESK):
        return await _posts_a_second(url, ticket, headers, TICKETS)


async def _posts_a_second(url: str, body: dict[str, object], headers: dict[str, str], count: int) -> list[float]:
    """The rate with each number of clients."""
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=max(CLIENTS))) as session:

        async def post(_: int) -> None:
            async with session.post(url, json=body, headers={"Idempotency-Key": uuid4().hex}) as response:
                assert response.status == 201, await response.text()

        await side_by_side(64, 16, post)
        return [count / await side_by_side(count, clients, post) for clients in CLIENTS]


def _inserts_a_second(url: str) -> float:
    """The same three rows, one transaction an order, on one connection held open, without anything around it."""
    database = Database(url, Vault(b"bench"))
    schema.upgrade(database)
    try:
        return _insert(database.engine)
    finally:
        database.close()


def _insert(engine: Engine) -> float:
    now, run = utc_now(), uuid4().hex[:8]
    with engine.connect() as connection:
        began = time.perf_counter()
        for number in range(ORDERS):
            with connection.begin():
                order = {**MATTER, "number": f"{run}-{number}", "query_code": "000000", "state": "pending_dispatch"}
                order |= {"ranking": [], "automatic": False, "created_at": now, "updated_at": now}
                order_id = connection.execute(_INSERT_ORDER, order).scalar_one()
                event = {
                    "work_order_id": order_id,
                    "sequence": 1,
                    "at": now,
                    "actor": "bench",
                    "kind": "opened",
                    "data": {},
                }
                connection.execute(insert(work_order_events).values(**event))
                key = {"key": f"{run}-{number}", "fingerprint": "x" * 64, "work_order_id": order_id, "at": now}
                connection.execute(_INSERT_KEY, key)
        return ORDERS / (time.perf_counter() - began)


@contextmanager
def _serving(command: list[str], environment: dict[str, str], url: str, folder: Path = PROJECT_ROOT) -> Iterator[None]:
    """Run a server until the end; it is there once `url` answers anything."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, **quiet)  # type: ignore[call-overload]
    try:
        while True:
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
            with suppress(httpx2.HTTPError):
                httpx2.get(url)
                break
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _helpdesk_python() -> Path:
    """The interpreter of an environment with the peer, made on first use."""
    folder = PROJECT_ROOT / ".tools" / "helpdesk"
    python = folder / "bin" / "python"
    wanted = HELPDESK / "requirements.txt"
    made = folder / "requirements.txt"
    if not made.exists() or made.read_bytes() != wanted.read_bytes():
        uv = max((PROJECT_ROOT / ".tools").glob("uv-*/bin/uv"))
        subprocess.run([uv, "venv", "--clear", "--python", sys.executable, folder], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", wanted], check=True)
        made.write_bytes(wanted.read_bytes())
    return python
