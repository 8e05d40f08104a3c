"""The carrier of rehearsed calls: signs what the page wants to send, and posts it through the application's own doors.

The auth token stays here. A request can only be about a rehearsed call, since the call's id is checked and written by
the relay, and only to the doors a caller's own steps lead to.
"""

import re
import time
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from starlette.types import ASGIApp, Message
from twilio.request_validator import RequestValidator

from core.problems import Problem
from core.settings import Settings
from ivr.record.reading import SIMULATED

PREFIX = "/ivr/twilio/"
# Doors of a caller's own call. Those of seats (whispers, three-way calls) speak of real calls and are none of them.
DOORS = re.compile(
    r"/ivr/twilio/(?:incoming|status|(?:step|wait|waiting|queue|queued|record|recorded|dial|dialled|confer|returned)(?:/\d{1,6})?)"
)
SERVED_AS = "hotline.simulator"
TO = "+8671512345"


def _door(address: str) -> str:
    if len(address) > 500 or not address.startswith("/"):
        raise ValueError("must be the path of one of the phone's doors")
    return address


class Wanted(BaseModel):
    """A request a carrier would make. `number` is who calls; none: it is withheld."""

    model_config = ConfigDict(extra="forbid")

    call_sid: str = Field(pattern=rf"^{SIMULATED}[0-9a-f]{{32}}$")
    address: Annotated[str, AfterValidator(_door)] = Field(description="Path and query, as the TwiML has it")
    number: Annotated[str, StringConstraints(pattern=r"^\+?\d{3,15}$")] | None = None
    fields: dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]{1,39}$")],
        Annotated[str, StringConstraints(max_length=4000)],
    ] = Field(default_factory=dict, max_length=30)


class Answered(BaseModel):
    """What a carrier would get back."""

    status: int
    body: str
    took_ms: int


@dataclass(frozen=True, slots=True)
class Relay:
    """Posts signed requests into an application."""

    settings: Settings

    async def post(self, app: ASGIApp, wanted: Wanted) -> Answered:
        """Make the request. Raises Problem 403 while the simulator is off, and 422 for another door."""
        if not self.settings.simulator:
            raise Problem(403, "Forbidden", "the simulator is off; HOTLINE_SIMULATOR=true turns it on")
        base = (self.settings.public_url or f"http://{SERVED_AS}").rstrip("/")
        path, _, query = wanted.address.removeprefix(urlsplit(base).path).partition("?")
        if DOORS.fullmatch(path) is None:
            detail = f"address: {path!r} is no door of a rehearsed call; the address has to be one the TwiML names"
            raise Problem(422, "Unprocessable Content", detail, field="address")
        form = {**wanted.fields, **_about(wanted)}
        url = f"{base}{path}" + (f"?{query}" if query else "")
        headers = {"host": SERVED_AS, "content-type": "application/x-www-form-urlencoded"}
        if self.settings.twilio_auth_token is not None:
            validator = RequestValidator(self.settings.twilio_auth_token.get_secret_value())
            headers["x-twilio-signature"] = str(validator.compute_signature(url, form))
        began = time.monotonic()
        status, body = await _posted(app, path, query, urlencode(form).encode(), headers)
        return Answered(status=status, body=body, took_ms=round((time.monotonic() - began) * 1000))


def _about(wanted: Wanted) -> dict[str, str]:
    """What is told of the call in every request, and what the page cannot tell otherwise."""
    return {
        "CallSid": wanted.call_sid,
        "AccountSid": "AC" + "0" * 32,
        "ApiVersion": "2010-04-01",
        "From": wanted.number or "anonymous",
        "To": TO,
        "Direction": "inbound",
    }


async def _posted(app: ASGIApp, path: str, query: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """One request through the application, without a socket."""
    status, chunks = 500, list[bytes]()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(message["status"])
        elif message["type"] == "http.response.body":
            chunks.append(message.get("body", b""))

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": (SERVED_AS, 80),
        "state": {},
    }
    await app(scope, receive, send)
    return status, b"".join(chunks).decode()
