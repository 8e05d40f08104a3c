"""Open web chats: how long a reply takes among a thousand of them beside among ten.

Each chat holds its socket, as the page does, and somebody in it files an order with the real bot: reads, thinks, types.
"""

import asyncio
import random
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

from bench.load import Times
from core.settings import get_settings
from hotline.training import ensure_model
from tests.system import running

FEW, MANY = 10, 1000
SECONDS_BETWEEN = {FEW: 5.0, MANY: 60.0}
"""Between two messages of one person. Among the many it is what reading an answer and typing on a telephone takes; the
few are in more of a hurry, so that there are enough of their replies to tell."""
MESSAGES = {FEW: 8, MANY: 2}
SCRIPT = ("银泉大道{n}号的路灯不亮", "今天晚上七点", "138{n:04}4567", "确认提交")
REPLY = "reply"


async def _chat(
    session: aiohttp.ClientSession, url: str, number: int, pause: float, messages: int, times: Times
) -> None:
    """Open a chat, speak so many times, and leave."""
    address = f"{url}/chat/ws?session_id={uuid4().hex}"
    async with session.ws_connect(address) as socket:
        answers: asyncio.Queue[str] = asyncio.Queue()
        listening = asyncio.create_task(_listen(socket, answers))
        for count in range(messages):
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            text = SCRIPT[count % len(SCRIPT)].format(n=number)
            began = time.perf_counter()
            await socket.send_json({"type": "message", "message_id": uuid4().hex, "text": text})
            if (kind := await answers.get()) != "answer":
                raise RuntimeError(f"a chat got {kind} instead of an answer")
            times.add(REPLY, time.perf_counter() - began)
        listening.cancel()


async def _listen(socket: aiohttp.ClientWebSocketResponse, answers: "asyncio.Queue[str]") -> None:
    """Read all the time, as a page does: the server asks now and then whether it is there."""
    async for message in socket:
        kind = message.json()["type"]
        if kind in ("answer", "error"):
            answers.put_nowait(kind)
    answers.put_nowait("the end of its socket")


async def measure(console: Console) -> Table:
    """Run the chats; return the table."""
    ensure_model(get_settings(), console)
    names = ("chats open", "messages", "a second", "p50", "p95", "ratio p95", "web process MB")
    table = Table(title=f"replies of the web chat, ms (baseline: {FEW} chats)")
    for name in names:
        table.add_column(name, justify="right")
    base: float | None = None
    # All come from one address here; what comes from a proxy of ours is not counted under it.
    proxies = {"HOTLINE_TRUSTED_PROXIES": "127.0.0.1"}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "data", **proxies) as system:
        system.wait_until_ready()
        web = psutil.Process(system.pid("web"))
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            for chats in (FEW, MANY):
                console.print(f"chats: {chats} open …")
                times, began = Times(), time.perf_counter()
                pause, messages = SECONDS_BETWEEN[chats], MESSAGES[chats]
                await asyncio.gather(
                    *(_chat(session, system.url, n, pause, messages, times) for n in range(1, chats + 1))
                )
                seconds, p95 = time.perf_counter() - began, times.p95(REPLY)
                base = base or p95
                table.add_row(
                    str(chats),
                    str(len(times.by_kind[REPLY])),
                    f"{len(times.by_kind[REPLY]) / seconds:.1f}",
                    f"{times.p50(REPLY):.1f}",
                    f"{p95:.1f}",
                    f"{p95 / base:.2f} ×",
                    f"{web.memory_info().rss / 1e6:.0f}",
                )
    return table
