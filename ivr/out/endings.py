"""How a call that is over ended, and whether a machine answered it, in the words of the carriers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ivr.out.flow import Result


class Ending(StrEnum):
    """How the carrier says that a call ended."""

    COMPLETED = "completed"
    """Somebody, or something, had answered."""
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    SWITCHED_OFF = "switched_off"
    WRONG_NUMBER = "wrong_number"
    FAILED = "failed"


RESULTS = {
    Ending.COMPLETED: Result.HUNG_UP,
    Ending.BUSY: Result.BUSY,
    Ending.NO_ANSWER: Result.NO_ANSWER,
    Ending.SWITCHED_OFF: Result.SWITCHED_OFF,
    Ending.WRONG_NUMBER: Result.WRONG_NUMBER,
    Ending.FAILED: Result.FAILED,
}
"""What an ending means where nobody had said anything."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a carrier tells of a call: how it ended (None: it goes on), after how long, whether a machine answered."""

    ending: Ending | None
    seconds: int | None
    machine: bool


def told(message: Mapping[str, Any]) -> Told:
    """What the fields of a carrier's request say of a call we have placed."""
    seconds = _number(_field(message, "seconds"))
    ending = ending_of(str(_field(message, "status") or ""), _number(_field(message, "sip")))
    answered_by = _field(message, "answered_by")
    return Told(ending, seconds, is_machine(answered_by if isinstance(answered_by, str) else None))


def ending_of(status: str, sip_code: int | None = None) -> Ending | None:
    """The ending a carrier's status means, with the SIP code where it tells one; None: the call goes on."""
    words = _words()
    ended = words["status"].get(status)
    if ended is None:
        return None
    closer = None if ended == Ending.COMPLETED else words["sip"].get(sip_code)
    return Ending(closer or ended)


def is_machine(answered_by: str | None) -> bool:
    """Whether a carrier says that a machine has answered."""
    return answered_by in _words()["machines"]


def _field(message: Mapping[str, Any], what: str) -> Any:
    return next((message[name] for name in _words()["fields"][what] if message.get(name) is not None), None)


def _number(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number < 10**6 else None


@cache
def _words() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("endings.yml").read_text("utf-8"))
    return loaded
