"""Stand-ins for what recordings need outside: a carrier that has them, and a recogniser."""

import io
import wave
from collections import Counter
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from ivr.messages.transcribing import NotTranscribed


def speech(seconds: float = 1.0) -> bytes:
    """A telephone's wave file: 8 kHz, 16 bits, silent."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * int(8000 * seconds))
    return file.getvalue()


class FakeRecorder:
    """A carrier: has what it is given by address, refuses every other, and deletes by id; fails as often as told to."""

    def __init__(self) -> None:
        self.has: dict[str, bytes] = {}
        self.fetched: Counter[str] = Counter()
        self.deleted: list[str] = []
        self.failures = 0
        self.keeps_failing_to_delete = False

    def records(self, sid: str, audio: bytes | None = None) -> str:
        """It has a recording; its address."""
        url = f"https://carrier.example/recordings/{sid}"
        self.has[url] = speech() if audio is None else audio
        return url

    async def fetch_recording(self, url: str) -> bytes:
        """The recording."""
        self.fetched[url] += 1
        if self.failures:
            self.failures -= 1
            raise ConnectionError(f"{url} does not answer")
        return self.has[url]

    async def delete_recording(self, sid: str) -> None:
        """Remove it; what is gone is no error."""
        if self.keeps_failing_to_delete:
            raise ConnectionError("does not answer")
        self.deleted.append(sid)
        self.has = {url: audio for url, audio in self.has.items() if not url.endswith(f"/{sid}")}


class FakeTranscriber:
    """A recogniser: hears what it is told to, once for each recording; an exception is raised."""

    def __init__(self, *heard: str | NotTranscribed) -> None:
        self.heard = list(heard)
        self.got: list[tuple[bytes, str]] = []

    async def transcribe(self, audio: bytes, media_type: str) -> str:
        """What is said."""
        self.got.append((audio, media_type))
        said = self.heard.pop(0)
        if isinstance(said, NotTranscribed):
            raise said
        return said

    async def close(self) -> None:
        """Nothing is open."""


class SpeechServer:
    """A carrier's store of recordings, and a server of OpenAI's transcription API: over HTTP, as strict as these are.

    `answers` of the recogniser come first; then it says `text`.
    """

    KEY = "the-asr-key"
    MODEL = "paraformer"

    def __init__(self) -> None:
        self.has: dict[str, bytes] = {}
        self.text = "一号楼电梯坏了三天"
        self.answers: list[web.Response] = []
        self.forms: list[dict[str, Any]] = []
        application = web.Application(client_max_size=50_000_000)
        application.router.add_get("/recordings/{sid}", self._fetch)
        application.router.add_delete("/recordings/{sid}", self._delete)
        application.router.add_post("/v1/audio/transcriptions", self._transcribe)
        self._server = TestServer(application)

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    def url(self, path: str) -> str:
        """Its address."""
        return str(self._server.make_url(path))

    async def _fetch(self, request: web.Request) -> web.Response:
        audio = self.has.get(request.match_info["sid"])
        return web.Response(status=404, text="<xml/>") if audio is None else web.Response(body=audio)

    async def _delete(self, request: web.Request) -> web.Response:
        return web.Response(status=204 if self.has.pop(request.match_info["sid"], None) else 404)

    async def _transcribe(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.KEY}":
            return web.json_response({"error": {"message": "bad key"}}, status=401)
        form = await request.post()
        file = form.get("file")
        if not isinstance(file, web.FileField) or form.get("model") != self.MODEL:
            return web.json_response({"detail": f"model or file: {dict(form)}"}, status=400)
        said = {name: value for name, value in form.items() if name != "file"}
        self.forms.append({**said, "name": file.filename, "type": file.content_type, "bytes": len(file.file.read())})
        return self.answers.pop(0) if self.answers else web.json_response({"text": self.text})
