"""A telephone over any carrier, connected straight to an application without a socket."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx2
from fastapi import FastAPI

from tests.jambonz import JambonzCaller, Stream
from tests.telephone import Telephone
from tests.twiml import TwimlCaller

CARRIERS = ("twilio", "jambonz")
SECRET = "the-auth-token"
"""Twilio's auth token and jambonz's webhook secret of the tests."""
PUBLIC_URL = "https://12345.example.gov.cn"
LOCAL = "http://127.0.0.1:8000"
Posting = Callable[[str, dict[str, str] | str, dict[str, str]], Awaitable[httpx2.Response]]


def telephone(
    carrier: str,
    app: FastAPI,
    *,
    number: str = "+8613907241234",
    call_sid: str | None = None,
    secret: str | None = SECRET,
    public_url: str = PUBLIC_URL,
) -> Telephone:
    """A telephone whose calls come in through a carrier and are signed as that carrier signs them."""
    post = posting_to(app)
    if carrier == "twilio":
        return TwimlCaller(post, LOCAL, public_url=public_url, auth_token=secret, number=number, call_sid=call_sid)
    number = number.removeprefix("+86")
    return JambonzCaller(post, LOCAL, secret=secret, number=number, call_sid=call_sid, stream=streaming_to(app))


def posting_to(app: FastAPI) -> Posting:
    """Posts forms and texts straight into the app, without a socket."""

    async def post(url: str, body: dict[str, str] | str, headers: dict[str, str]) -> httpx2.Response:
        data, content = (body, None) if isinstance(body, dict) else (None, body.encode())
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), trust_env=False) as client:
            return await client.post(url, data=data, content=content, headers=headers)

    return post


def streaming_to(app: FastAPI) -> Stream:
    """Opens a websocket of the app as jambonz does: a text, then frames. PermissionError when it is not let in."""

    async def stream(url: str, auth: tuple[str, str] | None, chunks: list[bytes]) -> None:
        parts = urlsplit(url)
        assert parts.scheme in ("ws", "wss"), f"a websocket at {url}"
        sent = base64.b64encode(":".join(auth).encode()) if auth else b""
        headers = [(b"host", parts.netloc.encode()), (b"authorization", b"Basic " + sent)]
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": headers,
            "scheme": parts.scheme,
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 1),
            "subprotocols": ["audio.jambonz.org"],
        }
        to_app: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        from_app: list[dict[str, object]] = []
        to_app.put_nowait({"type": "websocket.connect"})
        to_app.put_nowait({"type": "websocket.receive", "text": chunks[0].decode()})
        for frame in chunks[1:]:
            to_app.put_nowait({"type": "websocket.receive", "bytes": frame})
        to_app.put_nowait({"type": "websocket.disconnect", "code": 1000})

        async def send(message: dict[str, object]) -> None:
            from_app.append(message)

        await app(scope, to_app.get, send)  # type: ignore[arg-type]
        if from_app[0]["type"] != "websocket.accept":
            raise PermissionError(str(from_app[0]))

    return stream
