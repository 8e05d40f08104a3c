"""Speech to text, outside: a Protocol, and its form for servers that speak OpenAI's transcription API.

FunASR's own server (https://github.com/modelscope/FunASR, examples/openai_api) speaks it for Chinese, and so do
servers of Whisper. The audio goes to whatever address is configured: keep that server in the house.
"""

import json
import re
from typing import Protocol

import aiohttp

from core.audio import SUFFIXES
from core.settings import Settings

LARGEST_ANSWER = 1024 * 1024
LONGEST_TRANSCRIPT = 5_000
PASSING = frozenset({408, 409, 425, 429})
"""Refusals that another try may not meet."""
_TAGS = re.compile(r"<\|[^|]*\|>")


class NotTranscribed(Exception):
    """A try that failed; `permanent`: another one would fail alike. Holds nothing of what was said."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class Transcriber(Protocol):
    """A recogniser of Chinese speech."""

    async def transcribe(self, audio: bytes, media_type: str) -> str:
        """What is said in a recording; empty where nothing is. Raises NotTranscribed."""

    async def close(self) -> None:
        """Let go of connections."""


class OpenAiTranscriber:
    """A server with `POST {url}/audio/transcriptions`."""

    def __init__(self, url: str, key: str, model: str, budget_seconds: float) -> None:
        self._url = f"{url.rstrip('/')}/audio/transcriptions"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._model = model
        self._timeout = aiohttp.ClientTimeout(total=budget_seconds)

    async def transcribe(self, audio: bytes, media_type: str) -> str:
        """Post the recording under a name that says nothing."""
        form = aiohttp.FormData()
        name = f"recording{SUFFIXES[media_type]}"
        form.add_field("file", audio, filename=name, content_type=media_type)
        for field, value in (("model", self._model), ("language", "zh"), ("response_format", "json")):
            form.add_field(field, value)
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.post(self._url, data=form, headers=self._headers, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    refused = 300 <= response.status < 500 and response.status not in PASSING
                    raise NotTranscribed(f"HTTP {response.status}", permanent=refused)
                return _text(await _read(response))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotTranscribed(type(error).__name__) from None

    async def close(self) -> None:
        """Nothing is kept open between recordings."""


def transcriber_of(settings: Settings) -> Transcriber | None:
    """The configured recogniser, or None."""
    if not settings.asr_url:
        return None
    key = settings.asr_key.get_secret_value()
    return OpenAiTranscriber(settings.asr_url, key, settings.asr_model, settings.asr_budget_seconds)


async def _read(response: aiohttp.ClientResponse) -> object:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise NotTranscribed("the answer is too long", permanent=True)
    try:
        return json.loads(body)
    except ValueError:
        raise NotTranscribed("the answer is no JSON", permanent=True) from None


def _text(answer: object) -> str:
    """The text of an answer, without the tags some models put into it (`<|zh|>`)."""
    text = answer.get("text") if isinstance(answer, dict) else None
    if not isinstance(text, str):
        raise NotTranscribed("the answer has no text", permanent=True)
    plain = "".join(c for c in _TAGS.sub("", text) if c.isprintable() or c == "\n")
    return plain.strip()[:LONGEST_TRANSCRIPT]
