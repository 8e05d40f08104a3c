"""Twilio as somebody else wrote it (npm `emulate`): its signed webhooks are let in, its REST interface takes our calls.

No Rasa is needed: the line behind the doors is scripted.
"""

import base64
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import uvicorn
from fastapi import FastAPI

from core.clock import utc_now
from core.problems import install
from core.sealing import Vault
from core.settings import Settings
from ivr import flow
from ivr.calls import Outcome
from ivr.carriers.base import NotDone
from ivr.carriers.http import RealHttp
from ivr.carriers.registry import carriers_of, phone_router
from ivr.carriers.twilio.rest import TwilioDialler
from ivr.line import Caller, Script
from tests.others import command

pytestmark = pytest.mark.service

ACCOUNT = "AC" + "0" * 32
TOKEN = "a-token-of-the-tests"
OURS = "+8671512345"
PATIENCE = 30.0


class Line:
    """Greets, and remembers who called and whose call ended."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []
        self.ended: list[tuple[str, Outcome]] = []

    async def take(self, caller: Caller) -> Script:
        self.callers.append(caller)
        return Script((flow.Say("您好。"), flow.Listen()), 1)

    async def step(self, caller: Caller, step: int, event: flow.Event, failed_before: bool = False) -> Script:
        return Script((flow.HangUp(),), step + 1)

    async def come_back(self, caller: Caller, step: int, held: int, failed_before: bool = False) -> Script:
        return Script((flow.HangUp(),), step + 1)

    async def over(self, call_sid: str, outcome: Outcome) -> None:
        self.ended.append((call_sid, outcome))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def web(line: Line, tmp_path: Path) -> Iterator[str]:
    """The phone's doors on a socket; their address."""
    url = f"http://127.0.0.1:{free_port()}"
    settings = Settings(_env_file=None, data_dir=tmp_path, twilio_auth_token=TOKEN, public_url=url)
    app = FastAPI()
    install(app)
    app.include_router(phone_router(line, carriers_of(settings, utc_now, Vault(b"tests")), settings))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=int(url.rpartition(":")[2]), log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + PATIENCE
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    yield url
    server.should_exit = True
    thread.join(PATIENCE)


def emulated(port: int, token: str, voice_url: str) -> "subprocess.Popen[str]":
    made = command("twilio.mjs", str(port), token, voice_url)
    return subprocess.Popen(made, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture(params=[TOKEN, "another-token"], ids=["our token", "another token"])
def twilio(request: pytest.FixtureRequest, web: str) -> Iterator[tuple[str, str]]:
    """Its address, and the token it signs with."""
    port = free_port()
    process = emulated(port, request.param, f"{web}/ivr/twilio/incoming")
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.readline()
    yield f"http://127.0.0.1:{port}", request.param
    process.stdin.close()
    process.wait(PATIENCE)


async def simulate(twilio: str, token: str, what: str, form: dict[str, str]) -> dict[str, str]:
    secret = base64.b64encode(f"{ACCOUNT}:{token}".encode()).decode()
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Basic {secret}"}) as session,
        session.post(f"{twilio}/_twilio/simulate/{what}", data=form) as answer,
    ):
        assert answer.status in (200, 201), await answer.text()
        return dict(await answer.json())


async def test_a_call_signed_by_others_is_let_in_when_it_is_signed_with_our_token(
    twilio: tuple[str, str], line: Line
) -> None:
    url, token = twilio
    call = await simulate(url, token, "inbound-call", {"From": "+8613907241234", "To": OURS})

    assert line.callers == ([Caller("twilio", call["sid"], "+8613907241234")] if token == TOKEN else [])


async def test_a_call_we_place_is_taken_steered_and_ended_and_its_end_is_told(
    twilio: tuple[str, str], web: str, line: Line
) -> None:
    url, token = twilio
    ours = TwilioDialler(RealHttp(), ACCOUNT, token, OURS, f"{web}/ivr/twilio/status", api=url)
    call_sid = await ours.call("+8613907241234", f"{web}/ivr/twilio/incoming")
    await ours.redirect(call_sid, f"{web}/ivr/twilio/step/3")
    await ours.hang_up(call_sid)

    assert line.ended == ([(call_sid, Outcome.CALLER_LEFT)] if token == TOKEN else [])


async def test_a_wrong_token_is_a_refusal_that_stays_one(twilio: tuple[str, str]) -> None:
    ours = TwilioDialler(RealHttp(), ACCOUNT, "wrong", OURS, "https://x.example/status", api=twilio[0])
    with pytest.raises(NotDone, match="401") as refused:
        await ours.call("+8613907241234", "https://x.example/")

    assert refused.value.permanent


async def test_a_carrier_that_does_not_answer_may_be_asked_again() -> None:
    ours = TwilioDialler(RealHttp(), ACCOUNT, TOKEN, OURS, "https://x.example/status", api="http://127.0.0.1:9")
    with pytest.raises(NotDone) as refused:
        await ours.call("+8613907241234", "https://x.example/")

    assert not refused.value.permanent
