"""Starting and watching all processes in one terminal.

A child that dies is started again, after a pause that grows while it keeps dying. Every change is written to
`run/processes.json` in the data folder, which `/readyz` shows. Children end with the supervisor, even when that is
killed: the kernel sends them SIGTERM (Linux; elsewhere only an orderly stop takes them along).
"""

import asyncio
import ctypes
import fcntl
import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import aiohttp
import psutil
from rich.console import Console
from rich.text import Text

from hotline.processes import Process

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
HEALTHY_AFTER = 60.0
GRACE_SECONDS = 8.0
PROBE_SECONDS = 0.25
TELL_SECONDS = 5.0
LONGEST_LINE = 1 << 20
COLOURS = ("cyan", "magenta", "green", "yellow", "blue")
PR_SET_PDEATHSIG = 1


class CannotStart(Exception):
    """The system cannot be started; the text is one sentence that says why and what to do."""


def check_ports(wanted: Mapping[str, tuple[str, int]]) -> None:
    """Raise CannotStart when a port is taken, naming the setting and, where it can be seen, who holds it."""
    for setting, (host, port) in wanted.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                holder = _holder_of(port)
                raise CannotStart(
                    f"Port {port} on {host} cannot be used ({holder or error.strerror}); "
                    f"stop that program or set {setting} to another port."
                ) from None


def lock_data_dir(data_dir: Path) -> IO[str]:
    """Hold the data folder for this start; raise CannotStart when another start holds it."""
    (data_dir / "run").mkdir(parents=True, exist_ok=True)
    lock = (data_dir / "run" / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise CannotStart(
            f"The system is running already on {data_dir}; stop it first or set HOTLINE_DATA_DIR to another folder."
        ) from None
    return lock


def next_pause(deaths: int, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait before the start after `deaths` deaths in a row: doubling, limited, a little scattered."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (deaths - 1))) * (0.8 + 0.4 * chance())


class Supervisor:
    """All processes of one start."""

    def __init__(
        self, listed: Sequence[Process], environment: Mapping[str, str], folder: Path, data_dir: Path, console: Console
    ) -> None:
        self._environment = environment
        self._folder = folder
        self._state_file = data_dir / "run" / "processes.json"
        self._console = console
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        width = max(len(process.name) for process in listed)
        self._children = [
            _Child(process, self, f"{process.name:>{width}} │ ", COLOURS[position % len(COLOURS)])
            for position, process in enumerate(listed)
        ]

    async def run(self, when_ready: Callable[[], None]) -> None:
        """Start everything, call `when_ready` once all is ready, and watch until `stop`; then stop everything."""
        watching = [asyncio.create_task(child.watch()) for child in self._children]
        telling = asyncio.create_task(self._tell_when_ready(when_ready))
        await self._stopping.wait()
        telling.cancel()
        await asyncio.gather(*watching)
        self._write_state()

    def stop(self) -> None:
        """Ask everything to end; a second time, kill it."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    async def _tell_when_ready(self, when_ready: Callable[[], None]) -> None:
        began, told = time.monotonic(), time.monotonic()
        while waiting := [child.process.name for child in self._children if child.state != "running"]:
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                self.say(f"waiting for {', '.join(waiting)} ({told - began:.0f} s)")
            await asyncio.sleep(PROBE_SECONDS)
        self.say(f"ready after {time.monotonic() - began:.1f} s")
        when_ready()

    def say(self, text: str, prefix: str = "hotline │ ", colour: str = "bold") -> None:
        """Print one line of a process, or of the supervisor itself."""
        self._console.print(Text(prefix, style=colour) + Text.from_ansi(text), soft_wrap=True)

    def _write_state(self) -> None:
        draft = self._state_file.with_suffix(".tmp")
        draft.parent.mkdir(parents=True, exist_ok=True)
        state = {"supervisor": os.getpid(), "processes": [child.as_json() for child in self._children]}
        draft.write_text(json.dumps(state, indent=1), "utf-8")
        draft.replace(self._state_file)


class _Child:
    def __init__(self, process: Process, owner: Supervisor, prefix: str, colour: str) -> None:
        self.process = process
        self.state = "stopped"
        self._owner = owner
        self._prefix = prefix
        self._colour = colour
        self._pid: int | None = None
        self._restarts = 0
        self._last_exit_code: int | None = None
        self._since = datetime.now(UTC)

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.process.name,
            "pid": self._pid,
            "state": self.state,
            "restarts": self._restarts,
            "since": self._since.isoformat(timespec="seconds"),
            "last_exit_code": self._last_exit_code,
        }

    async def watch(self) -> None:
        """Keep the process running until the supervisor stops."""
        deaths = 0
        while not self._owner._stopping.is_set():
            began = time.monotonic()
            self._last_exit_code = await self._run_once()
            if self._owner._stopping.is_set():
                break
            deaths = 1 if time.monotonic() - began > HEALTHY_AFTER else deaths + 1
            pause = next_pause(deaths)
            self._restarts += 1
            self._become("backoff")
            self._say(f"ended with code {self._last_exit_code}; starting again in {pause:.1f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._owner._stopping.wait(), pause)
        self._pid = None
        self._become("stopped")

    async def _run_once(self) -> int:
        running = await asyncio.create_subprocess_exec(
            *self.process.command,
            cwd=self._owner._folder,
            env={**self._owner._environment, **self.process.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,
            limit=LONGEST_LINE,
        )
        self._pid = running.pid
        self._become("starting")
        helpers = [asyncio.create_task(self._relay(running)), asyncio.create_task(self._probe())]
        stopping = asyncio.create_task(self._owner._stopping.wait())
        ended = asyncio.create_task(running.wait())
        await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            await self._end(running, ended)
        helpers[1].cancel()
        stopping.cancel()
        # A grandchild may hold the pipe open for good.
        with suppress(TimeoutError):
            await asyncio.wait_for(helpers[0], 1)
        return await ended

    async def _end(self, running: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
        _signal_group(running.pid, signal.SIGTERM)
        hurry = asyncio.create_task(self._owner._hurry.wait())
        await asyncio.wait([ended, hurry], timeout=GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        _signal_group(running.pid, signal.SIGKILL)
        await ended

    async def _relay(self, running: asyncio.subprocess.Process) -> None:
        assert running.stdout is not None
        while True:
            try:
                line = await running.stdout.readline()
            except ValueError:
                self._say("(a line longer than 1 MiB was left out)")
                continue
            if not line:
                return
            self._say(line.decode("utf-8", "replace").rstrip())

    async def _probe(self) -> None:
        if self.process.ready_url is not None:
            timeout = aiohttp.ClientTimeout(total=2)
            async with aiohttp.ClientSession(timeout=timeout) as session:
                while not await _answers(session, self.process.ready_url):
                    await asyncio.sleep(PROBE_SECONDS)
        self._become("running")

    def _become(self, state: str) -> None:
        self.state = state
        self._since = datetime.now(UTC)
        self._owner._write_state()

    def _say(self, text: str) -> None:
        self._owner.say(text, self._prefix, self._colour)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _end_with_parent() -> None:
    """In the child before it starts: have the kernel end it when the supervisor is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _holder_of(port: int) -> str | None:
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr[1] == port and connection.status == psutil.CONN_LISTEN:
                return (
                    f"held by {psutil.Process(connection.pid).name()}, pid {connection.pid}" if connection.pid else None
                )
    return None
