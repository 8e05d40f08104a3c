"""What a waiting caller hears next. Pure.

The carrier asks again each time what it was told to play is over, and whenever a key is pressed. Every answer begins
with a word, and music and the wait for a key after it stay below half a minute.
"""

from dataclasses import dataclass
from datetime import timedelta

from ivr.flow import Ended, Instruction, Keys, LeaveQueue, Listen, Pace, Play, Say
from ivr.people.rules import KEY_SECONDS, Rules, Words

CALL_BACK, GO_ON, LEAVE, AGAIN, PERSON = "1", "2", "#", "*", "0"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting caller: the place (1: next) and the wait expected now, what was said of them, how long it has been.

    `rounds`: how often the caller heard something. `since_offer`: time since a call-back was offered, None: never.
    `connecting`: a seat is being rung. `reachable`: a number to call back is known. `seats`: how many are on duty.
    `missing_dialect`: what was asked for and nobody on duty speaks.
    """

    place: int
    minutes: int | None
    waited: timedelta
    seats: int
    said_place: int | None = None
    said_minutes: int | None = None
    rounds: int = 0
    since_offer: timedelta | None = None
    connecting: bool = False
    reachable: bool = True
    elder: bool = False
    missing_dialect: str | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """What is played; with `wish` the caller leaves the queue. `offered`: a call-back was offered just now."""

    instructions: tuple[Instruction, ...]
    wish: Ended | None = None
    offered: bool = False


def hear(waiting: Waiting, pressed: str | None, rules: Rules) -> Next:
    """What comes next for a waiting caller who pressed a key, or none."""
    words = rules.words
    if waiting.connecting:
        return _play(waiting, [words.offered])
    if waiting.seats == 0:
        return Next((Say(words.nobody_left), LeaveQueue()), wish=Ended.NOBODY)
    key = (pressed or "")[:1]
    if key == LEAVE:
        return Next((LeaveQueue(),), wish=Ended.LEFT)
    if key == CALL_BACK and waiting.reachable:
        return Next((LeaveQueue(),), wish=Ended.CALL_BACK)
    if key:
        answer = {GO_ON: [words.go_on_waiting], PERSON: [words.still_waiting], AGAIN: []}.get(key, [words.no_such_key])
        return _play(waiting, [*answer, *_place(waiting, words)])
    return _go_on(waiting, rules)


def _go_on(waiting: Waiting, rules: Rules) -> Next:
    words, said = rules.words, list[str]()
    first = waiting.rounds == 0
    if first and waiting.missing_dialect:
        said.append(words.no_dialect.format(dialect=waiting.missing_dialect))
    if first or (waiting.place, waiting.minutes) != (waiting.said_place, waiting.said_minutes):
        said += _place(waiting, words)
    if first:
        said.append(words.keys)
    offers = _offers(waiting, rules)
    if offers:
        said.append(words.call_back)
    if not said:
        said.append(words.tips[waiting.rounds % len(words.tips)] if words.tips else words.still_waiting)
    return _play(waiting, said, offered=offers)


def _offers(waiting: Waiting, rules: Rules) -> bool:
    wanted = rules.seats.waiting
    if not waiting.reachable or waiting.waited < wanted.call_back_after:
        return False
    return waiting.since_offer is None or waiting.since_offer >= wanted.call_back_again


def _place(waiting: Waiting, words: Words) -> list[str]:
    place = words.next if waiting.place == 1 else words.place.format(ahead=waiting.place - 1)
    if waiting.minutes is None:
        return [place]
    return [place, words.minutes.format(minutes=waiting.minutes) if waiting.minutes else words.soon]


def _play(waiting: Waiting, said: list[str], *, offered: bool = False) -> Next:
    pace = Pace.SLOW if waiting.elder else Pace.NORMAL
    spoken = Say("".join(said), pace)
    return Next((spoken, Play(), Listen(Keys.ONE, seconds=KEY_SECONDS)), offered=offered)
