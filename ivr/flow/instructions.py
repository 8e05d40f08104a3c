"""What a carrier is asked to do. Every carrier renders all of these."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Pace(StrEnum):
    """How fast a sentence is spoken."""

    NORMAL = "normal"
    SLOW = "slow"


class Keys(StrEnum):
    """How keys are taken while listening."""

    ONE = "one"
    """The first key counts at once."""
    NUMBER = "number"
    """Keys are collected until # or a pause."""


@dataclass(frozen=True, slots=True)
class Say:
    """Speak the text; `loud` as loud as the carrier's voice can be made."""

    text: str
    pace: Pace = Pace.NORMAL
    loud: bool = False
    kind: Literal["say"] = "say"


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for speech or keys; both also count while what stands before is still being spoken.

    `seconds` of silence end it, and so do `pause` seconds after speech. Its event is the next step.
    """

    keys: Keys = Keys.ONE
    seconds: int = 5
    pause: int = 2
    kind: Literal["listen"] = "listen"


@dataclass(frozen=True, slots=True)
class Record:
    """After a beep, record what is spoken, at most so many seconds, until # or silence. Its event is `Recorded`."""

    seconds: int = 180
    kind: Literal["record"] = "record"


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Let the caller wait for a person in a queue. Its event is `Returned`; meanwhile the carrier asks what to play."""

    queue: str
    kind: Literal["enqueue"] = "enqueue"


@dataclass(frozen=True, slots=True)
class Connect:
    """Ring a telephone and connect it, or give up after so many seconds. Its event is `Returned`.

    `number` is in E.164 or a SIP address; who answers hears the call's summary first. `recorded`: the talk is.
    """

    number: str
    seconds: int = 30
    recorded: bool = False
    kind: Literal["connect"] = "connect"


@dataclass(frozen=True, slots=True)
class Confer:
    """Put the caller into the conference room of this name, with whoever else is there. Its event is `Returned`.

    `ends`: when this one leaves, the room is closed, and whoever else is there goes on. `recorded_as`: what is spoken
    and heard on this line is recorded as a talk of that call.
    """

    room: str
    ends: bool = False
    recorded_as: str | None = None
    kind: Literal["confer"] = "confer"


@dataclass(frozen=True, slots=True)
class Play:
    """Play a sound: music while waiting."""

    sound: Literal["music"] = "music"
    kind: Literal["play"] = "play"


@dataclass(frozen=True, slots=True)
class LeaveQueue:
    """Take the waiting caller out of the queue; the call goes on with the step behind `Enqueue`."""

    kind: Literal["leave_queue"] = "leave_queue"


@dataclass(frozen=True, slots=True)
class ComeBack:
    """Ask for this very step once more: its answer is not ready."""

    kind: Literal["come_back"] = "come_back"


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""

    kind: Literal["hang_up"] = "hang_up"


Instruction = Say | Listen | Record | Enqueue | Connect | Confer | Play | LeaveQueue | ComeBack | HangUp
