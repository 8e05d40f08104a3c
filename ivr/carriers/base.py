"""What a carrier is: how it proves who it is, what its requests say, how it is answered, how it is asked for calls.

Only a carrier's own folder knows its wire format. All carriers have the same doors under `/ivr/<name>/` (`routes.py`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import phonenumbers
from fastapi import Request

from core.problems import Problem
from ivr.calls import Outcome
from ivr.flow import Event, Instruction
from ivr.line import Caller

Message = Mapping[str, Any]
"""A request of a carrier that was verified: the fields of its form, or its JSON object."""

SOUNDS = "/ivr/sounds"
CALL_SID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")


class After(StrEnum):
    """What a step comes after, where the address has to tell: the carrier's request alone does not."""

    LISTEN = "listen"
    RECORD = "record"
    QUEUE = "queue"
    DIAL = "dial"
    ROOM = "room"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the carrier goes from here. `base` is our public address without a slash at its end.

    `step` is what the next event of this call will be; `waiting`: the script is played in a queue, and its events go
    to the waiting route; `keyed`: a key was pressed there. `after`: what the answered request came after.
    `door`: a door that is asked again whatever happens, instead of a step.
    """

    base: str
    carrier: str
    call_sid: str
    step: int = 1
    failed: bool = False
    held: int = 0
    waiting: bool = False
    keyed: bool = False
    after: After = After.LISTEN
    hints: tuple[str, ...] = ()
    door: str | None = None

    def next(self, after: After = After.LISTEN) -> str:
        """The step that follows, as a path with its query."""
        if self.door is not None:
            return self.path(self.door, {"after": after} if after is After.ROOM else None)
        query: dict[str, str] = {} if after is After.LISTEN else {"after": after}
        if self.failed:
            query["failed"] = "1"
        return self.path(f"step/{self.step}", query)

    @property
    def again(self) -> str:
        """This very step, to be asked for once more."""
        if self.door is not None:
            return self.path(self.door)
        query = {"held": str(self.held)} | ({"failed": "1"} if self.failed else {})
        return self.path(f"step/{self.step}", query)

    @property
    def wait(self) -> str:
        """What is played while the caller waits in the queue that `step` follows."""
        return self.path(f"wait/{self.step}")

    @property
    def whisper(self) -> str:
        """What somebody hears who takes this call."""
        return self.path("whisper", {"call": self.call_sid})

    @property
    def recording(self) -> str:
        """Where a recording of this call is told of, or sent to."""
        return self.path("recording")

    def talk(self, call_sid: str) -> str:
        """Where the recording of a talk of a call is told of."""
        return self.path("recording", {"talk": call_sid})

    def path(self, name: str, query: Mapping[str, str] | None = None) -> str:
        """A door of this carrier, with the folder we are mounted at."""
        asked = f"?{urlencode(query)}" if query else ""
        return f"{urlsplit(self.base).path}/ivr/{self.carrier}/{name}{asked}"

    def absolute(self, path: str) -> str:
        """A path as a whole address."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}{path}"

    def sound(self, name: str) -> str:
        """The whole address of a sound of ours."""
        return f"{self.base}{SOUNDS}/{name}.wav"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a caller waits: the place (1 is next), seconds so far, how many wait; None where the carrier cannot tell.

    `keys` were pressed meanwhile.
    """

    position: int | None
    seconds: int
    size: int | None = None
    keys: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording is ready, or (`url` is None) nothing could be recorded. May be told late, twice, or never.

    `talk`: of a talk with a seat, not of a message.
    """

    call_sid: str
    sid: str
    url: str | None
    seconds: int
    talk: bool = False


class Carrier(Protocol):
    """The wire format of one carrier."""

    @property
    def name(self) -> str:
        """What stands in its addresses and in a call's record."""

    @property
    def media_type(self) -> str:
        """Of what `render` writes."""

    async def read(self, request: Request, address: str) -> Message:
        """The fields of a request that came in at a public address.

        Raises Problem: 403 when it is not signed, 422 when it cannot be read.
        """

    def caller(self, message: Message) -> Caller:
        """Who is on the line. Raises Problem 422 naming the field that is missing."""

    def event(self, message: Message, after: After, step: int) -> Event | None:
        """What happened, which is step `step` of the call.

        None: nothing the flow has to know, such as a queue that was left because somebody took the caller out of it,
        or that the caller hung up in it, which `status` tells. The carrier does not wait for the answer.
        """

    def waiting(self, message: Message) -> Waiting:
        """How the caller waits."""

    def taken(self, message: Message, call_sid: str) -> str:
        """Which call somebody takes who is about to hear a whisper. Raises Problem 422."""

    def outcome(self, message: Message) -> Outcome | None:
        """How the call ended; None while it has not, and for a call that is only a leg of another."""

    def recording(self, message: Message) -> Recording | None:
        """What is told of a recording; None when that is of no interest. Raises Problem 422."""

    def flow_of(self, message: Message) -> str | None:
        """The path under `/ivr/` that a call placed by us is to go on with; None for a call that comes in."""

    def render(self, instructions: Sequence[Instruction], addresses: Addresses) -> str:
        """The instructions as the carrier wants them."""

    def go_on(self, address: str) -> str:
        """A document that says no more than where the next one is."""


class Dialler(Protocol):
    """What a carrier is asked to do outside a call's own steps.

    Every method raises `NotDone` when the carrier refuses or does not answer.
    """

    async def call(
        self, to: str, flow_url: str, seconds: int = 30, *, status_url: str | None = None, detect_machine: bool = False
    ) -> str:
        """Ring a number in E.164 for so many seconds; who answers goes on with the script at a public address.

        Returns the carrier's id of the call, which is only queued: whether somebody answers is told later, to
        `status_url` where the carrier lets a call have one of its own. `detect_machine`: it tells whether a machine has
        answered, with the first request of the script or, once it has found out, to `status_url`.
        """

    async def redirect(self, call_sid: str, url: str) -> None:
        """Take a call out of whatever it does, and let it go on with the script at a public address."""

    async def hang_up(self, call_sid: str) -> None:
        """End a call. One that has ended already is no error."""

    async def fetch_recording(self, url: str) -> bytes:
        """A recording as a WAV file."""

    async def delete_recording(self, sid: str) -> None:
        """Remove a recording. One that is gone already is no error."""


class NotDone(Exception):
    """The carrier did not do what it was asked. `permanent`: asking again will not help.

    `bad_number`: because there is no such number.
    """

    def __init__(self, what: str, *, permanent: bool, bad_number: bool = False) -> None:
        super().__init__(what)
        self.permanent = permanent
        self.bad_number = bad_number


def comes_in(message: Message) -> bool:
    """Whether the request is of a call to us, and not of one that we placed; both carriers say so alike."""
    return (message.get("Direction") or message.get("direction")) == "inbound"


def caller_number(sent: str) -> str | None:
    """The calling number in E.164; None where it is withheld or no real number (`anonymous`, +266696687)."""
    try:
        number = phonenumbers.parse(sent, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def call_sid_of(message: Message, field: str) -> str:
    """The call's id out of a field of the message. Raises Problem 422 naming the field."""
    value = message.get(field)
    if not isinstance(value, str) or not CALL_SID.fullmatch(value):
        raise unreadable(field, value, "1 to 64 letters, digits, '.', '_', ':' or '-'")
    return value


def unreadable(field: str, value: object, allowed: str) -> Problem:
    """The refusal of a field."""
    shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "…"
    return Problem(422, "Unprocessable Content", f"{field}: must be {allowed} (got {shown})", field=field)


def unsigned(header: str) -> Problem:
    """The refusal of a request that its carrier did not sign."""
    return Problem(403, "Forbidden", f"{header}: the request is not signed with this system's secret")


def text_of(message: Message, field: str) -> str | None:
    """A text out of the message, without control characters; None where there is none."""
    value = message.get(field)
    return _CONTROL.sub(" ", value).strip() if isinstance(value, str) else None


def number_of(message: Message, field: str) -> int | None:
    """A whole number that is not negative out of the message; None where there is none."""
    value = message.get(field)
    try:
        number = int(value) if isinstance(value, str | int | float) else -1
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 10**9 else None


def confidence_of(sent: object) -> float | None:
    """A recogniser's confidence. Google sends 0.0 for "not known", so that is None as well."""
    try:
        return float(sent) or None if isinstance(sent, str | int | float) else None
    except ValueError:
        return None


@lru_cache(maxsize=8)
def usable_hints(words: tuple[str, ...], most: int, longest: int, most_bytes: int) -> tuple[str, ...]:
    """As many of the words, in their order, as a carrier takes; commas inside a word would cut it in two."""
    hints: list[str] = []
    size = 0
    for word in dict.fromkeys(re.sub(r"[,，\s]+", " ", word).strip() for word in words):
        size += len(word.encode()) + 1
        if len(hints) == most or size > most_bytes:
            break
        if 0 < len(word) <= longest:
            hints.append(word)
    return tuple(hints)
