"""Telephone calls at once: how long a step takes beside a route of the same server that does nothing.

Callers speak over Twilio's door with the real bot behind it. A person listens and speaks for some seconds between two
steps; calls that follow each other without a pause show how many the machine can take in a minute.
"""

import asyncio
import random
import tempfile
import time
from functools import partial
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table
from twilio.request_validator import RequestValidator

from bench.load import Times, side_by_side
from core.settings import get_settings
from hotline.training import ensure_model
from tests.system import TWILIO_TOKEN, running
from tests.twiml import TwimlCaller

LINES = 200
SECONDS_BETWEEN = 5.0
"""Between two steps of one call: a prompt is heard and answered."""
FLAT_OUT = 16
SCRIPT = ("路灯坏了三天没人修", "咸安区温泉街道", "淦河大道88号", "对")
STEP, NOTHING = "step", "nothing"


class _Posted:
    def __init__(self, status_code: int, text: str) -> None:
        self.status_code = status_code
        self.text = text


class _Telephone:
    """Calls against one server; every step and every post that does nothing is timed."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.times = Times()
        self.late = 0
        self._session = session
        self._url = url

    async def call(self, number: int, seconds_between: float) -> None:
        """One whole call, from the greeting to the order's number."""
        caller = TwimlCaller(self._post, self._url, auth_token=TWILIO_TOKEN, number=f"+86139{number:08d}")
        await caller.start()
        for words in SCRIPT:
            await asyncio.sleep(seconds_between * random.uniform(0.5, 1.5))
            await self._nothing(caller.call_sid)
            await caller.say(words)
        await caller.hang_up()

    async def _post(self, url: str, form: dict[str, str], headers: dict[str, str]) -> _Posted:
        began = time.perf_counter()
        async with self._session.post(url, data=form, headers=headers) as response:
            text = await response.text()
        seconds = time.perf_counter() - began
        if "/status" not in url:
            self.times.add(STEP, seconds)
            self.late += seconds > 3
        return _Posted(response.status, text)

    async def _nothing(self, call_sid: str) -> None:
        url, form = f"{self._url}/ivr/twilio/status", {"CallSid": call_sid, "CallStatus": "ringing"}
        headers = {"X-Twilio-Signature": RequestValidator(TWILIO_TOKEN).compute_signature(url, form)}
        began = time.perf_counter()
        async with self._session.post(url, data=form, headers=headers) as response:
            assert response.status == 204, response.status
        self.times.add(NOTHING, time.perf_counter() - began)


async def measure(console: Console) -> Table:
    """Run the calls; return the table."""
    ensure_model(get_settings(), console)
    table = Table(title="telephone calls, ms a step (baseline: a post to the same server that does nothing)")
    for name in (
        "calls at once",
        "pause",
        "steps",
        "p50",
        "p99",
        "nothing p99",
        "ratio p99",
        "later than 3 s",
        "calls a minute",
    ):
        table.add_column(name, justify="right")
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "data") as system:
        system.wait_until_ready()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=2)) as session:
            await side_by_side(3, 1, partial(_Telephone(session, system.url).call, seconds_between=0))
            for lines, pause in ((LINES, SECONDS_BETWEEN), (FLAT_OUT, 0.0)):
                console.print(f"calls: {lines} at once …")
                telephone = _Telephone(session, system.url)
                seconds = await side_by_side(2 * lines, lines, partial(telephone.call, seconds_between=pause))
                ours, nothing = telephone.times.p99(STEP), telephone.times.p99(NOTHING)
                table.add_row(
                    str(lines),
                    f"{pause:.0f} s",
                    str(len(telephone.times.by_kind[STEP])),
                    f"{telephone.times.p50(STEP):.1f}",
                    f"{ours:.1f}",
                    f"{nothing:.1f}",
                    f"{ours / nothing:.1f} ×",
                    str(telephone.late),
                    f"{2 * lines / seconds * 60:.0f}",
                )
    return table
