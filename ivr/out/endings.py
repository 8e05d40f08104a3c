"""How a call that is over ended, and whether a machine answered it, in the words of the carriers. Pure."""

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


def ending_of(status: str, sip_code: int | None = None) -> Ending | None:
    """The ending a carrier's status means, with the SIP code where it tells one; None: the call goes on."""
    told = _words()
    ended = told["status"].get(status)
    if ended is None:
        return None
    closer = None if ended == Ending.COMPLETED else told["sip"].get(sip_code)
    return Ending(closer or ended)


def is_machine(answered_by: str | None) -> bool:
    """Whether a carrier says that a machine has answered."""
    return answered_by in _words()["machines"]


@cache
def _words() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("endings.yml").read_text("utf-8"))
    return loaded
