"""What the flow has to ask the rest of the house before it goes on, the answers, and what it asks to be done besides.

A need is met before anything is spoken. Effects are kept in the transaction that keeps the step, so that they happen
exactly once however often a carrier repeats itself.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from intake.messages import Answer


@dataclass(frozen=True, slots=True)
class Ask:
    """Tell the conversation this text. Its answer is `intake.messages.Answer`."""

    text: str


@dataclass(frozen=True, slots=True)
class Prove:
    """The caller says who they are: the query code of an open order, or the last four signs of an ID number."""

    proof: str


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One of the caller's open orders, in words to be spoken: "三天前", "噪音", "正在办理", "今天17点到期".

    `light` says which light it shows and who is warned. Of a confidential order `age` and `matter` are empty.
    """

    number: str
    age: str
    matter: str
    state: str
    due: str | None
    light: str | None = None


@dataclass(frozen=True, slots=True)
class Proved:
    """The open orders of who proved to be their citizen, newest first; None: the proof does not fit.

    `barred`: it was wrong too often.
    """

    orders: tuple[OpenOrder, ...] | None
    barred: bool = False


@dataclass(frozen=True, slots=True)
class FindSeat:
    """Somebody to talk to on a line (`citizen`, `enterprise`, `leader`), who speaks a dialect where one is named."""

    line: str
    dialect: str | None = None


@dataclass(frozen=True, slots=True)
class SeatFound:
    """Where to wait or whom to ring. Neither: nobody is there; `opens` then says when somebody is, in words.

    `position` 1 is next; `minutes` is the expected wait, None where nothing can be said of it.
    `dialects`: the caller may choose one first. `notice`: what is said before the telephone rings, because the talk is
    recorded; None: it is not.
    """

    queue: str | None = None
    number: str | None = None
    position: int = 1
    minutes: int | None = None
    dialects: tuple[str, ...] = ()
    opens: str | None = None
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class KeepMessage:
    """A recorded message becomes an order for a person to read."""

    sid: str
    url: str | None
    seconds: int


@dataclass(frozen=True, slots=True)
class Kept:
    """The order's number; None where it is kept without one."""

    number: str | None


@dataclass(frozen=True, slots=True)
class ShareCard:
    """家人同办: send the order's card to a family member, who may ask for its progress and add to it."""

    number: str
    phone: str


@dataclass(frozen=True, slots=True)
class Shared:
    """Whether the family member has the card now; the city limits how many, and to whom."""

    sent: bool


HouseNeed = Prove | FindSeat | KeepMessage | ShareCard
"""What the rest of the house is asked for; the conversation is asked the other."""
Need = Ask | HouseNeed
Met = Answer | Proved | SeatFound | Kept | Shared


class Why(StrEnum):
    """Why somebody has to be called back."""

    KEEPS_PLACE = "keeps_place"
    """Waited in a queue and asked for it."""
    MISSED = "missed"
    """Wanted a person and got none."""
    OUT_OF_HOURS = "out_of_hours"
    """Wanted a person outside office hours."""
    LEFT_WAITING = "left_waiting"
    """Hung up in the queue."""


@dataclass(frozen=True, slots=True)
class CallBack:
    """Make a task: a person calls this caller back. At most one of a call is open."""

    why: Why
    kind: Literal["call_back"] = "call_back"


@dataclass(frozen=True, slots=True)
class Supplement:
    """What the caller adds to an open order."""

    number: str
    text: str
    kind: Literal["supplement"] = "supplement"


@dataclass(frozen=True, slots=True)
class Expedite:
    """The caller urges an open order."""

    number: str
    kind: Literal["expedite"] = "expedite"


@dataclass(frozen=True, slots=True)
class TextNumber:
    """Send the order's number and query code to the calling number."""

    number: str
    kind: Literal["text_number"] = "text_number"


Effect = CallBack | Supplement | Expedite | TextNumber
