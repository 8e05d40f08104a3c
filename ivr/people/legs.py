"""What whoever is rung hears: the summary first, then the room where the caller is. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from ivr.flow import ComeBack, Confer, HangUp, Instruction, Keys, Listen, Say
from ivr.people.rules import Rules

MOST_SILENCES = 2
"""So often somebody who is rung is asked to press a key."""
SECONDS = 6


class Kind(StrEnum):
    """Who is at the other end."""

    SEAT = "seat"
    CALLER = "caller"
    """The waiting call, brought out of the queue."""
    CITIZEN = "citizen"
    """Whoever is called back."""
    SPECIALIST = "specialist"


CITIZENS = (Kind.CALLER, Kind.CITIZEN)


class LegState(StrEnum):
    """How far somebody who is rung has come."""

    RINGING = "ringing"
    TOLD = "told"
    """Hears the summary."""
    JOINED = "joined"
    OVER = "over"


class Turn(StrEnum):
    """What a request of the carrier comes to."""

    TELL = "tell"
    JOIN = "join"
    GIVE_UP = "give_up"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Leg:
    """Somebody who is rung. `asked`: how often they heard the summary."""

    kind: Kind
    state: LegState
    asked: int = 0


def turn(leg: Leg, pressed: str | None, rules: Rules) -> Turn:
    """What comes next when the carrier asks, after a key or none."""
    if leg.state is LegState.OVER:
        return Turn.GONE
    if leg.kind in CITIZENS or leg.state is LegState.JOINED:
        return Turn.JOIN
    if leg.state is LegState.RINGING:
        return Turn.TELL
    if pressed or not rules.seats.press_to_take:
        return Turn.JOIN
    return Turn.TELL if leg.asked < MOST_SILENCES else Turn.GIVE_UP


def telling(said: str, rules: Rules) -> tuple[Instruction, ...]:
    """The summary; then a key is waited for, or the carrier asks again at once."""
    if not rules.seats.press_to_take:
        return Say(said), ComeBack()
    return Say(said), Say(rules.words.press_to_take), Listen(Keys.ONE, seconds=SECONDS)


def joining(leg: Leg, room: str, call_sid: str, rules: Rules) -> tuple[Instruction, ...]:
    """Into the room; it closes when the seat or the caller leaves, and stays when a specialist does.

    A talk that is recorded, as one of the call `call_sid`, is so on the citizen's line, and all are told before.
    """
    citizen = leg.kind in CITIZENS
    greeting = rules.words.greeting_call_back.format(city=rules.city) if leg.kind is Kind.CITIZEN else None
    said = tuple(Say(each) for each in (greeting, rules.talk_notice) if each is not None)
    recorded_as = call_sid if citizen and rules.talk_notice is not None else None
    return *said, Confer(room, ends=leg.kind is not Kind.SPECIALIST, recorded_as=recorded_as)


def leaving(said: str) -> tuple[Instruction, ...]:
    """A word, and the end."""
    return Say(said), HangUp()
