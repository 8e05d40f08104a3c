"""Message to reply over HTTP, beside bare Rasa's own REST webhook on the same model and action server."""

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

from bench.load import Times, side_by_side
from core.settings import PROJECT_ROOT, get_settings
from hotline.training import ensure_model
from tests.system import System, free_ports, running

CONVERSATIONS = {1: 30, 16: 160}
# What is said, and what kind of turn it is: an answer by rule alone, or one of the filing form with its actions.
SCRIPT = (
    ("你好", "small talk"),
    ("小区楼下烧烤店每天晚上放音乐到凌晨", "form"),
    ("咸安区温泉街道", "form"),
    ("淦河大道88号", "form"),
    ("13871234567", "form"),
    ("算了", "form"),
)
Say = Callable[[aiohttp.ClientSession, str, str], Awaitable[None]]


async def measure(console: Console) -> Table:
    """Run both sides; return the table."""
    model = ensure_model(get_settings(), console)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "data") as system:
        system.wait_until_ready()
        async with bare_rasa(model, _action_url(system), Path(folder)) as rasa_url:
            sides = {"ours": _say_to_us(system.url), "bare Rasa": _say_to_rasa(rasa_url)}
            times = {}
            for clients, conversations in CONVERSATIONS.items():
                for side, say in sides.items():
                    console.print(f"turns: {side}, {clients} at once …")
                    times[side, clients] = await _converse(say, clients, conversations)
    return _table(times)


async def _converse(say: Say, clients: int, conversations: int) -> Times:
    times = Times()

    async def conversation(_: int) -> None:
        sender = uuid4().hex
        for text, kind in SCRIPT:
            began = time.perf_counter()
            await say(session, sender, text)
            times.add(kind, time.perf_counter() - began)

    async with aiohttp.ClientSession() as session:
        await side_by_side(3, 1, conversation)
        times.by_kind.clear()
        await side_by_side(conversations, clients, conversation)
    return times


def _say_to_us(url: str) -> Say:
    async def say(session: aiohttp.ClientSession, sender: str, text: str) -> None:
        message = {"session_id": sender, "message_id": uuid4().hex, "text": text, "line": "citizen"}
        async with session.post(f"{url}/chat/messages", json=message) as response:
            answer = await response.json()
            assert answer["replies"], answer
            assert not answer["degraded"], answer

    return say


def _say_to_rasa(url: str) -> Say:
    async def say(session: aiohttp.ClientSession, sender: str, text: str) -> None:
        async with session.post(f"{url}/webhooks/rest/webhook", json={"sender": sender, "message": text}) as response:
            assert await response.json(), "bare Rasa said nothing"

    return say


@asynccontextmanager
async def bare_rasa(model: Path, action_url: str, folder: Path) -> AsyncIterator[str]:
    """`rasa run` as it comes: its REST channel, its tracker store in memory, our model and action server."""
    [port] = free_ports(1)
    (folder / "credentials.yml").write_text("rest:\n", "utf-8")
    (folder / "endpoints.yml").write_text(f"action_endpoint:\n  url: {action_url}\n", "utf-8")
    command = [str(get_settings().bot_python), "-m", "rasa", "run", "--interface", "127.0.0.1", "--port", str(port)]
    command += ["--model", str(model), "--endpoints", str(folder / "endpoints.yml")]
    command += ["--credentials", str(folder / "credentials.yml")]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "RASA_TELEMETRY_ENABLED": "false"}
    with (folder / "rasa.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        await _until_it_answers(f"{url}/webhooks/rest/", process)
        yield url
    finally:
        process.terminate()
        process.wait(20)


async def _until_it_answers(url: str, process: "subprocess.Popen[bytes]") -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            assert process.poll() is None, "bare Rasa did not start"
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.3)


def _action_url(system: System) -> str:
    """The action server's webhook, read from the environment of its process."""
    port = psutil.Process(system.pid("actions")).environ()["HOTLINE_ACTION_PORT"]
    return f"http://127.0.0.1:{port}/webhook"


def _table(times: dict[tuple[str, int], Times]) -> Table:
    table = Table(title="message → reply over HTTP, ms (baseline: bare Rasa's REST webhook, same model and actions)")
    for name in ("turn", "at once", "ours p50", "p95", "bare Rasa p50", "p95", "ratio p50", "ratio p95"):
        table.add_column(name, justify="right" if name != "turn" else "left")
    for kind in ("small talk", "form"):
        for clients in CONVERSATIONS:
            ours, bare = times["ours", clients], times["bare Rasa", clients]
            figures = (ours.p50(kind), ours.p95(kind), bare.p50(kind), bare.p95(kind))
            ratios = (figures[0] / figures[2], figures[1] / figures[3])
            table.add_row(kind, str(clients), *(f"{f:.1f}" for f in figures), *(f"{r:.2f} ×" for r in ratios))
    return table
