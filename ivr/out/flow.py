"""The flow of a call for 回访: what happened on the line → what is said next. Pure; it knows no carrier and no clock.

    greeting ──the person, a good moment──▶ solved ▶ satisfied ▶ (service) ▶ (enterprise) ▶ remark ▶ thanks
        ├─ later ▶ when ▶ goodbye        ├─ somebody else ▶ wrong number, or not there ▶ goodbye
        └─ no call-backs ▶ goodbye

Keys: those each question names · 0 a person calls · * again · 9 at the greeting: no more calls. "人工", "慢一点" and
"别再打" count anywhere. Solved and satisfied are asked apart; an answer in doubt is asked once more, never guessed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ivr.flow import HangUp, Heard, HungUp, Instruction, Keyed, Keys, Listen, Pace, Say, Silence, Started
from ivr.flow.speaking import is_clear, plain
from ivr.out.words import OutWords

REMARK_SECONDS, REMARK_PAUSE = 8, 3
"""Seconds until a remark has to begin, and of silence after which it has ended."""

LONGEST_REFUSAL = 12
"""Signs. A longer sentence with such words in it tells of something else."""
LONGEST_REMARK = 1000

OutEvent = Started | Heard | Keyed | Silence | HungUp


class Where(StrEnum):
    """Where in the flow a call is."""

    GREETING = "greeting"
    OTHER = "other"
    """Somebody else has answered: a wrong number, or is the person not there?"""
    WHEN = "when"
    """A better moment is chosen."""
    SOLVED = "solved"
    SATISFIED = "satisfied"
    SERVICE = "service"
    """How the call to the hotline was taken."""
    ENTERPRISE = "enterprise"
    """The service for companies."""
    REMARK = "remark"
    OVER = "over"


QUESTIONS = (Where.SOLVED, Where.SATISFIED, Where.SERVICE, Where.ENTERPRISE)


class Result(StrEnum):
    """What came of an attempt."""

    REACHED = "reached"
    REFUSED = "refused"
    LATER = "later"
    """Asked to be called at another time."""
    WRONG_NUMBER = "wrong_number"
    ABSENT = "absent"
    """Somebody else answered; the person was not there."""
    PERSON = "person"
    """Wants to talk to a person, or was not understood."""
    HUNG_UP = "hung_up"
    """Left before the questions were answered."""
    SILENT = "silent"
    MACHINE = "machine"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    SWITCHED_OFF = "switched_off"
    FAILED = "failed"
    """The carrier did not place it."""
    LOST = "lost"
    """Nobody told what came of it."""
    SETTLED = "settled"
    """The order no longer waits for this person when they answer."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A moment that is offered for another call, as it is spoken."""

    title: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OutState:
    """All that the flow remembers of a call. `given` are the meanings answered, by question.

    `prompt` is what * repeats, `again` the same in short.
    """

    city: str
    matter: str
    unit: str
    questions: tuple[Where, ...] = (Where.SOLVED, Where.SATISFIED)
    slots: tuple[Slot, ...] = ()
    step: int = 0
    where: Where = Where.GREETING
    silences: int = 0
    no_matches: int = 0
    prompt: str = ""
    again: str = ""
    pace: Pace = Pace.NORMAL
    given: Mapping[Where, str] | None = None
    remark: str | None = None
    result: Result | None = None
    later: datetime | None = None

    @property
    def solved(self) -> bool | None:
        """Whether the matter is solved, as answered so far."""
        answer = (self.given or {}).get(Where.SOLVED)
        return None if answer is None else answer == "yes"

    def content(self, with_what: Where) -> bool | None:
        """Whether they are satisfied with something, as answered so far; mostly satisfied is satisfied."""
        answer = (self.given or {}).get(with_what)
        return None if answer is None else answer != "unsatisfied"

    @property
    def complete(self) -> bool:
        """Whether enough was answered to count."""
        return self.solved is not None and self.content(Where.SATISFIED) is not None


@dataclass(frozen=True, slots=True)
class OutStep:
    """What comes next; with `state.result` the call is over."""

    state: OutState
    instructions: tuple[Instruction, ...] = ()


def advance(state: OutState, event: OutEvent, words: OutWords) -> OutStep:
    """What the flow does when `event` happens in `state`."""
    match event:
        case HungUp():
            return OutStep(replace(state, where=Where.OVER, result=state.result or _left_with(state)))
        case Started():
            return _ask(state, Where.GREETING, words)
        case Silence():
            return _silent(state, words)
        case Keyed(keys):
            return _keyed(state, keys, words)
        case Heard():
            return _heard(state, event, words)


def settled(state: OutState, words: OutWords) -> OutStep:
    """The order no longer waits for the person who answers: say so and end the call."""
    return _leave(state, Result.SETTLED, words.settled.format(city=state.city))


def meaning(text: str, options: Mapping[str, Iterable[str]], words: OutWords) -> str | None:
    """Which of the options an answer means, by the words of each; None: none of them, several, or a negation besides.

    The longest words count first, so that 没有解决 is not 解决.
    """
    known = [(word, name) for name, listed in options.items() for word in listed]
    known += [(word, "") for word in words.fillers] + [(word, "?") for word in words.negations]
    known.sort(key=lambda each: -len(each[0]))
    found, rest = set(), plain(text)
    while rest:
        word, name = next((each for each in known if rest.startswith(each[0])), (rest[0], ""))
        found.add(name)
        rest = rest[len(word) :]
    found.discard("")
    return found.pop() if len(found) == 1 and "?" not in found else None


def _left_with(state: OutState) -> Result:
    return Result.REACHED if state.complete else Result.HUNG_UP


def _ask(state: OutState, where: Where, words: OutWords) -> OutStep:
    """Ask the question of a place."""
    if where is Where.REMARK:
        ask, again = words.remark, words.remark
    elif where is Where.WHEN:
        again = "；".join(words.when_choice.format(title=s.title, key=k) for k, s in enumerate(state.slots, 1)) + "。"
        ask = words.when + again
    else:
        question = words.questions[where]
        ask = question.ask.format(city=state.city, matter=state.matter, unit=state.unit)
        again = question.again
    return _repeat(replace(state, where=where, prompt=ask, again=again, silences=0, no_matches=0))


def _repeat(state: OutState) -> OutStep:
    return OutStep(state, (Say(state.prompt, state.pace), _listening(state)))


def _reprompt(state: OutState, sentence: str, pace: Pace) -> OutStep:
    return OutStep(state, (Say(sentence + state.again, pace), _listening(state)))


def _listening(state: OutState) -> Listen:
    if state.where is Where.REMARK:
        return Listen(Keys.ONE, seconds=REMARK_SECONDS, pause=REMARK_PAUSE)
    return Listen(Keys.ONE)


def _leave(state: OutState, result: Result, sentence: str) -> OutStep:
    return OutStep(replace(state, where=Where.OVER, result=result), (Say(sentence, state.pace), HangUp()))


def _thank(state: OutState, words: OutWords) -> OutStep:
    content = state.solved and state.content(Where.SATISFIED)
    return _leave(state, Result.REACHED, words.thanks if content else words.thanks_unsatisfied)


def _silent(state: OutState, words: OutWords) -> OutStep:
    if state.where is Where.REMARK:
        return _thank(state, words)
    if state.silences == len(words.silence):
        return _give_up(state, Result.SILENT, words.still_silent)
    pace = Pace.SLOW if state.silences else state.pace
    return _reprompt(replace(state, silences=state.silences + 1), words.silence[state.silences], pace)


def _not_matched(state: OutState, sentence: str | None, words: OutWords) -> OutStep:
    if state.no_matches == len(words.no_match):
        return _give_up(state, Result.PERSON, words.unclear_person)
    said = sentence or words.no_match[state.no_matches]
    pace = Pace.SLOW if state.no_matches else state.pace
    return _reprompt(replace(state, no_matches=state.no_matches + 1), said, pace)


def _give_up(state: OutState, result: Result, sentence: str) -> OutStep:
    return _leave(state, Result.REACHED if state.complete else result, sentence)


def _keyed(state: OutState, keys: str, words: OutWords) -> OutStep:
    key = keys[-1:]
    if state.where is Where.REMARK and key != "*":
        return _thank(state, words)
    if key in ("*", ""):
        return _repeat(state)
    if key == "0":
        return _leave(state, Result.PERSON, words.person)
    if key == "9" and state.where is Where.GREETING:
        return _leave(state, Result.REFUSED, words.refused)
    if state.where is Where.WHEN:
        chosen = int(key) - 1 if key.isdecimal() else -1
        if 0 <= chosen < len(state.slots):
            return _postpone(state, state.slots[chosen], words)
    elif state.where is not Where.OVER:
        for name, option in words.questions[state.where].options.items():
            if option.key == key:
                return _answered(state, name, words)
    return _not_matched(state, words.wrong_key, words)


def _heard(state: OutState, heard: Heard, words: OutWords) -> OutStep:
    if not is_clear(heard):
        return _thank(state, words) if state.where is Where.REMARK else _not_matched(state, None, words)
    said = plain(heard.text)
    if said in words.repeat_words:
        return _repeat(state)
    if said in words.slower_words:
        return _repeat(replace(state, pace=Pace.SLOW))
    if state.where is Where.REMARK:
        return _thank(replace(state, remark=None if said in words.nothing_more else _remark(heard.text)), words)
    if len(said) <= LONGEST_REFUSAL and any(word in said for word in words.refuse_words):
        return _leave(state, Result.REFUSED, words.refused)
    if said in words.person_words:
        return _leave(state, Result.PERSON, words.person)
    if state.where is Where.WHEN:
        slot = next((slot for slot in state.slots if slot.title in said), None)
        slot = slot or next((slot for slot in state.slots if said in slot.title or slot.title[-2:] in said), None)
        return _postpone(state, slot, words) if slot else _not_matched(state, None, words)
    options = {name: option.words for name, option in words.questions[state.where].options.items()}
    name = meaning(said, options, words)
    return _not_matched(state, None, words) if name is None else _answered(state, name, words)


def _answered(state: OutState, name: str, words: OutWords) -> OutStep:
    match state.where, name:
        case Where.GREETING, "later":
            return _ask(state, Where.WHEN, words) if state.slots else _leave(state, Result.LATER, words.no_slots)
        case Where.GREETING, "other":
            return _ask(state, Where.OTHER, words)
        case ((Where.GREETING | Where.OTHER), "wrong"):
            return _leave(state, Result.WRONG_NUMBER, words.wrong)
        case ((Where.GREETING | Where.OTHER), "absent"):
            return _leave(state, Result.ABSENT, words.absent)
        case Where.GREETING, _:
            return _ask(state, state.questions[0], words)
    position = state.questions.index(state.where)
    after = replace(state, given={**(state.given or {}), state.where: name})
    rest = state.questions[position + 1 :]
    return _ask(after, rest[0] if rest else Where.REMARK, words)


def _remark(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable()).strip()[:LONGEST_REMARK]


def _postpone(state: OutState, slot: Slot, words: OutWords) -> OutStep:
    return _leave(replace(state, later=slot.at), Result.LATER, words.later.format(title=slot.title))
