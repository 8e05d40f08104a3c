"""Messages spoken after the beep, and talks: jambonz keeps none, but sends the audio here while it is spoken.

The audio is sealed and laid into a folder, where the room that keeps messages fetches it by its address
(`jambonz:<id>`) and then deletes it. What nobody fetched is removed after `KEPT_FOR`.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, WebSocket
from fastapi import Path as InPath

from core.access import Audience, open_to
from core.sealing import Vault
from ivr.carriers.base import CALL_SID, Recording
from ivr.carriers.sounds import wav

log = logging.getLogger(__name__)

SCHEME = "jambonz:"
SUBPROTOCOL = "audio.jambonz.org"
BYTES_A_SAMPLE = 2
RATES = (8000, 16000, 24000, 48000)
LARGEST_MESSAGE = 20 * 1024 * 1024
"""Ten minutes at 16 kHz."""
LARGEST_PART = 10 * 1024 * 1024
"""Ten minutes of a talk at 8 kHz: what is in memory, and what a process that is killed loses."""
SILENCE_BELOW = 600
"""Samples of a telephone line on which nobody speaks stay below this, of 32,767."""
KEPT_FOR = timedelta(days=7)
NOT_OURS = 4403


def recording_id(call_sid: str, step: int) -> str:
    """The id of the message that was spoken before a step."""
    return f"{call_sid}-{step}"


class Recorder:
    """The messages that came in and were not fetched yet. `secret` None: whoever sends one is believed."""

    def __init__(self, folder: Path, vault: Vault, secret: str | None) -> None:
        self._folder = folder
        self._vault = vault
        self._secret = secret
        self._receiving: dict[str, bytearray] = {}

    def key(self, call_sid: str) -> str:
        """What lets the audio of a call in."""
        secret = (self._secret or "unsigned").encode()
        return hmac.new(secret, f"recording {call_sid}".encode(), hashlib.sha256).hexdigest()

    def lets_in(self, call_sid: str, key: str) -> bool:
        """Whether the key is that of the call."""
        return self._secret is None or hmac.compare_digest(self.key(call_sid).encode(), key.encode())

    def heard(self, sid: str) -> bool:
        """Whether something was said: the audio is there or is just coming in."""
        return bool(self._receiving.get(sid)) or self._path(sid).exists()

    def open(self, sid: str) -> bytearray:
        """Where the audio of a message is gathered."""
        return self._receiving.setdefault(sid, bytearray())

    async def close(self, sid: str, rate: int) -> None:
        """The audio is complete: keep it, unless nobody spoke. A message that was cut in two is kept as one."""
        try:
            await self.keep(sid, bytes(self._receiving.get(sid, b"")), rate)
        finally:
            self._receiving.pop(sid, None)

    async def keep(self, sid: str, pcm: bytes, rate: int) -> bool:
        """Keep samples of 16 bits, unless nobody speaks in them; whether somebody does."""
        pcm = pcm[: len(pcm) // BYTES_A_SAMPLE * BYTES_A_SAMPLE]
        if spoken := is_speech(pcm):
            await asyncio.to_thread(self._write, sid, wav(pcm, rate))
        return spoken

    def fetch(self, sid: str) -> bytes | None:
        """The message as a WAV file, or None where there is none."""
        path = self._path(sid)
        return base64.b64decode(self._vault.open(path.read_text("ascii"))) if path.exists() else None

    def delete(self, sid: str) -> None:
        """Remove a message."""
        self._path(sid).unlink(missing_ok=True)

    def forget(self, now: datetime) -> int:
        """Remove what nobody fetched; return how many that were."""
        old = list(self._left_before(now - KEPT_FOR))
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _left_before(self, moment: datetime) -> Iterator[Path]:
        return (path for path in self._folder.glob("*.sealed") if path.stat().st_mtime < moment.timestamp())

    def _write(self, sid: str, sound: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path(sid).write_text(self._vault.seal(base64.b64encode(sound).decode()), "ascii")

    def _path(self, sid: str) -> Path:
        return self._folder / f"{hashlib.sha256(sid.encode()).hexdigest()}.sealed"


def is_speech(pcm: bytes) -> bool:
    """Whether samples of 16 bits hold more than the noise of a line."""
    samples = array("h", pcm)
    return bool(samples) and max(max(samples), -min(samples)) >= SILENCE_BELOW


def create_router(recorder: Recorder, recorded: Callable[[str, Recording], Awaitable[None]]) -> APIRouter:
    """The websockets that take the audio of messages and talks; that of a talk is told of when it is `recorded`."""
    router = APIRouter(prefix="/ivr/jambonz", tags=["phone"])

    async def let_in(socket: WebSocket) -> str | None:
        """The call whose key was sent; None: there is none, and the socket is closed."""
        call_sid, key = _basic(socket.headers.get("Authorization", ""))
        if not CALL_SID.fullmatch(call_sid) or not recorder.lets_in(call_sid, key):
            await socket.close(NOT_OURS)
            return None
        offered = SUBPROTOCOL in socket.scope.get("subprotocols", [])
        await socket.accept(subprotocol=SUBPROTOCOL if offered else None)
        return call_sid

    @router.websocket("/recording/{step}", dependencies=[open_to(Audience.JAMBONZ)])
    async def record(socket: WebSocket, step: Annotated[int, InPath(ge=1)]) -> None:
        """Jambonz's `listen` verb: a text with the facts, then frames of audio until the message is over."""
        if (call_sid := await let_in(socket)) is None:
            return
        sid, rate = recording_id(call_sid, step), RATES[0]
        audio = recorder.open(sid)
        try:
            async for rate, frame in _frames(socket):  # noqa: B007 - the last one counts
                if len(audio) < LARGEST_MESSAGE:
                    audio += frame
        finally:
            await recorder.close(sid, rate)

    @router.websocket("/talk", dependencies=[open_to(Audience.JAMBONZ)])
    async def talk(socket: WebSocket) -> None:
        """Jambonz's `listen` beside a talk; each part of it is a recording."""
        if (call_sid := await let_in(socket)) is None:
            return
        async for rate, pcm in _parts(socket):
            sid = f"talk-{uuid4().hex}"
            if await recorder.keep(sid, pcm, rate):
                seconds = len(pcm) // (rate * BYTES_A_SAMPLE)
                await recorded("jambonz", Recording(call_sid, sid, SCHEME + sid, seconds, talk=True))

    return router


async def _frames(socket: WebSocket) -> AsyncIterator[tuple[int, bytes]]:
    """The frames of audio until the socket closes, each with the samples a second that were told of."""
    rate = RATES[0]
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        if text := message.get("text"):
            rate = _rate(text, rate)
        elif frame := message.get("bytes"):
            yield rate, frame


async def _parts(socket: WebSocket) -> AsyncIterator[tuple[int, bytes]]:
    """The audio until the socket closes, in parts of `LARGEST_PART`, each with its samples a second."""
    rate, part = RATES[0], bytearray()
    async for rate, frame in _frames(socket):
        part += frame
        if len(part) >= LARGEST_PART:
            yield rate, bytes(part)
            part.clear()
    yield rate, bytes(part)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, sent = header.partition(" ")
    try:
        name, _, password = base64.b64decode(sent, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return (name, password) if scheme.lower() == "basic" else ("", "")


def _rate(text: str, otherwise: int) -> int:
    try:
        found = json.loads(text)
    except ValueError:
        return otherwise
    rate = found.get("sampleRate") if isinstance(found, dict) else None
    return rate if rate in RATES else otherwise
