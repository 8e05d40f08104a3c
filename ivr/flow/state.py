"""What the flow remembers of a call, and what comes next."""

import re
from dataclasses import dataclass
from enum import StrEnum

from intake.messages import Button, Expects, Line
from ivr.flow.events import Facts
from ivr.flow.instructions import Instruction, Pace
from ivr.flow.needs import Effect, Need, OpenOrder
from ivr.prompts import Prompts

_MOBILE = re.compile(r"(?:\+?86)?1[3-9][0-9]{9}")


NOTHING_KNOWN = Facts()


class Where(StrEnum):
    """Where in the flow a call is."""

    GREETING = "greeting"
    TALK = "talk"
    """In the conversation with the bot."""
    STORY = "story"
    """Telling a long story in pieces; nothing is answered until it is told."""
    PROOF = "proof"
    """Keying in the proof of who is calling."""
    ORDERS = "orders"
    """Hearing of the own open orders."""
    SUPPLEMENT = "supplement"
    """Adding to one of them."""
    DIALECT = "dialect"
    """Choosing a seat that speaks a dialect."""
    WAITING = "waiting"
    """In a queue, or being connected."""
    NOBODY = "nobody"
    """No person is there: a message, or being called back?"""
    MESSAGE = "message"
    """Speaking a message after the beep."""
    FAMILY = "family"
    """Keying in the telephone of a family member."""
    OVER = "over"


class Local(StrEnum):
    """Choices the flow itself acts on; the others are told to the conversation. Their titles are in `prompts.yml`."""

    SUPPLEMENT = "/supplement"
    EXPEDITE = "/expedite"
    NEXT = "/next"
    OTHER = "/other"
    MESSAGE = "/message"
    CALL_BACK = "/call_back"
    FAMILY = "/family"


@dataclass(frozen=True, slots=True)
class CallState:
    """All that the flow remembers of a call. `prompt` is what * repeats; `closed`: the matter is finished."""

    call_sid: str
    caller: str | None = None
    line: Line = Line.CITIZEN
    step: int = 0
    where: Where = Where.GREETING
    facts: Facts = NOTHING_KNOWN
    messages: int = 0
    silences: int = 0
    no_matches: int = 0
    proofs: int = 0
    expects: Expects = Expects.SPEECH
    buttons: tuple[Button, ...] = ()
    prompt: tuple[str, ...] = ()
    pieces: tuple[str, ...] = ()
    """Of a story that is being told."""
    orders: tuple[OpenOrder, ...] = ()
    order: str | None = None
    """The number of the order this call opened or speaks of."""
    closed: bool = False
    pace: Pace = Pace.NORMAL
    loud: bool = False
    dialect: str | None = None
    suggestion: bool = False
    opens: str | None = None
    """When somebody is there again, told when nobody was."""

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return self.where is Where.OVER

    @property
    def collects_number(self) -> bool:
        """Whether a phone, order or code number is wanted."""
        if self.where is Where.TALK:
            return self.expects in (Expects.PHONE, Expects.DIGITS)
        return self.where in (Where.PROOF, Where.FAMILY)


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next.

    With `need`, that is met first and given to `met`; `instructions` are then only what is said before its answer, and
    `leaving` means that the call ends after it. `effects` are kept together with the state.
    """

    state: CallState
    instructions: tuple[Instruction, ...] = ()
    need: Need | None = None
    effects: tuple[Effect, ...] = ()
    leaving: bool = False


def button_of(choice: Local, prompts: Prompts) -> Button:
    """A choice of the flow's own, to be read out."""
    return Button(prompts.choices[choice.removeprefix("/")], choice)


def is_mobile(number: str | None) -> bool:
    """Whether this is a mobile number of the mainland, which a text message reaches."""
    return number is not None and _MOBILE.fullmatch(number) is not None
