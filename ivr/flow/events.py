"""What can happen on a call."""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when the phone is taken up.

    `known`: the calling number has an open order. `elder`: it stands on the list of those who go straight to a person.
    `leader`: the post of the leader whose session is open now. `texts`: a gateway for text messages is set up.
    """

    known: bool = False
    elder: bool = False
    leader: str | None = None
    texts: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """The call was taken."""

    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, slots=True)
class Heard:
    """Speech, as recognised; `confidence` is None where the recogniser gives none."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Keyed:
    """Keys pressed: digits, * and #."""

    keys: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing came."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A message was spoken after the beep; `sid` is the carrier's id of the recording, None where nothing was said."""

    sid: str | None
    url: str | None
    seconds: int


class Ended(StrEnum):
    """How waiting in a queue, or being connected, came to its end."""

    TALKED = "talked"
    """With a person; the talk is over."""
    LEFT = "left"
    """The caller pressed a key to stop waiting and stay on the line."""
    CALL_BACK = "call_back"
    """The caller asked to be called back and keeps the place."""
    NOBODY = "nobody"
    """Nobody answered, the queue is full, or the carrier failed."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The call comes back from a queue or from being connected, after so many seconds."""

    how: Ended
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call is over."""


Event = Started | Heard | Keyed | Silence | Recorded | Returned | HungUp
