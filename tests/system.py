"""The real system for tests: `hotline up` with ports and a data folder of its own."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx2
import psutil

from ivr.record.reading import Timeline
from tests.twiml import TwimlCaller

ROOT = Path(__file__).resolve().parent.parent
TWILIO_TOKEN = "the-auth-token-of-the-tests"
START_SECONDS = 180.0
_HOUSES = itertools.count(1)


def a_dark_street() -> str:
    """A whole report, at a spot nobody has told of: who tells of a known one is offered to join.

    Each is by another telephone, with the same last digits: many orders of one are a flood.
    """
    house = next(_HOUSES)
    return f"咸安区浮山街道银泉大道{house}号的路灯不亮，电话138{house:04}4567"


class System:
    """A running system: `url`, its processes by name, and doors to talk through."""

    def __init__(self, process: "subprocess.Popen[bytes]", data_dir: Path, port: int, log: Path) -> None:
        self.process = process
        self.data_dir = data_dir
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx2.Client(base_url=self.url, timeout=20)
        self._log = log

    def wait_until_ready(self) -> Self:
        """Return once every part answers; fail with the log when that takes too long."""
        eventually(self.is_ready, START_SECONDS, lambda: f"not ready\n{self.log()[-4000:]}")
        return self

    def is_ready(self) -> bool:
        """Whether `/readyz` says so."""
        assert self.process.poll() is None, f"hotline up ended\n{self.log()}"
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx2.HTTPError:
            return False

    def log(self) -> str:
        """What the terminal shows."""
        return self._log.read_text("utf-8", "replace")

    def parts(self) -> dict[str, Any]:
        """The parts of `/readyz` by name."""
        parts: dict[str, Any] = self.http.get("/readyz").json()["parts"]
        return parts

    def kill(self, name: str) -> None:
        """Kill one process, as a crash would."""
        os.kill(self.pid(name), signal.SIGKILL)

    def pid(self, name: str) -> int:
        """The process id of a part."""
        marks = {"rasa": "bot.serve", "actions": "bot.actions", "web": "hotline.app:create", "worker": "worker"}
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child.pid for child in children if marks[name] in child.cmdline())

    def family(self) -> list[psutil.Process]:
        """The supervisor and everything it started."""
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def citizen(self, line: str = "citizen") -> "Citizen":
        """Somebody who opens the chat."""
        return Citizen(self, line)

    def caller(self, number: str = "+8613907241234") -> TwimlCaller:
        """Somebody who dials the number, by way of Twilio."""

        async def post(url: str, form: dict[str, str], headers: dict[str, str]) -> httpx2.Response:
            async with httpx2.AsyncClient(timeout=20) as client:
                return await client.post(url, data=form, headers=headers)

        return TwimlCaller(post, self.url, auth_token=TWILIO_TOKEN, number=number)

    def orders(self, **wanted: str) -> list[dict[str, Any]]:
        """The back office's list of orders, newest first."""
        found: list[dict[str, Any]] = self._asked("/api/work-orders", {"limit": "200", **wanted}).json()
        return found

    def record_of(self, call_sid: str) -> Timeline:
        """What the console shows of a call."""
        return Timeline.model_validate_json(self._asked(f"/api/phone/calls/{call_sid}", {}).text)

    def _asked(self, path: str, wanted: dict[str, str]) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {(self.data_dir / 'operator.token').read_text()}"}
        response = self.http.get(path, params=wanted, headers=headers)
        assert response.status_code == 200, response.text
        return response


class Citizen:
    """A chat session over plain HTTP."""

    def __init__(self, system: System, line: str = "citizen") -> None:
        self._system = system
        self._line = line
        self.session_id = uuid4().hex
        self.work_order: dict[str, Any] | None = None

    @property
    def conversation_id(self) -> str:
        """The conversation as the desk knows it."""
        return f"web:{self.session_id}"

    def say(self, text: str, message_id: str | None = None) -> str:
        """Send a message; return all texts and button titles of the answer, a line each."""
        body = self.send(text, message_id or uuid4().hex)
        self.work_order = body["work_order"] or self.work_order
        lines = [reply["text"] for reply in body["replies"]]
        return "\n".join([*lines, *(f"[{b['title']}]" for reply in body["replies"] for b in reply["buttons"])])

    def send(self, text: str, message_id: str) -> dict[str, Any]:
        """Send a message; return the answer's JSON."""
        message = {"session_id": self.session_id, "message_id": message_id, "text": text, "line": self._line}
        response = self._system.http.post("/chat/messages", json=message)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def orders(self) -> list[dict[str, Any]]:
        """The orders this conversation opened."""
        return self._system.orders(conversation_id=self.conversation_id)


@contextmanager
def running(data_dir: Path, **settings: str) -> Iterator[System]:
    """`hotline up` on free ports; stopped as Ctrl-C does, at the end."""
    data_dir.mkdir(parents=True, exist_ok=True)
    web, rasa, actions = free_ports(3)
    environment = {
        **os.environ,
        "HOTLINE_DATA_DIR": str(data_dir),
        "HOTLINE_MODEL_DIR": str(ROOT / "var" / "models"),
        "HOTLINE_PORT": str(web),
        "HOTLINE_RASA_PORT": str(rasa),
        "HOTLINE_ACTION_PORT": str(actions),
        "HOTLINE_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
        "HOTLINE_SIMULATOR": "true",
        "HOTLINE_WIDGET_ORIGINS": f"http://127.0.0.1:{FOREIGN_PORT}",
        # A test that reads an order's state must not race with the worker.
        "HOTLINE_AUTOMATIC_DISPATCH": "false",
        **settings,
    }
    log = data_dir / "up.log"
    with log.open("wb") as file:
        command = [sys.executable, "-m", "hotline", "up"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield System(process, data_dir, web, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(30)


def eventually(holds: Callable[[], bool], seconds: float, explain: Callable[[], str] = lambda: "") -> None:
    """Wait until `holds`, and fail with `explain` when it takes longer than `seconds`."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, explain()
        time.sleep(0.1)


async def eventually_async(holds: Callable[[], bool], seconds: float) -> None:
    """`eventually` beside other coroutines."""
    await asyncio.to_thread(eventually, holds, seconds)


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


FOREIGN_PORT = free_ports(1)[0]
"""Where the tests have another site that may show the chat in a window."""
