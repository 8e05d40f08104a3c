"""The call flow: what happened on the line → what is said next. Pure; it knows no carrier, no clock and no storage.

    state, event ──advance──▶ Step                       the flow answers by itself, or
    state, event ──advance──▶ Step(ask=text) ──answered──▶ Step      the conversation is asked in between

Keys: 0 a person · * the last prompt again · 2 at the greeting the enterprise line · 1…4 the choices of the last answer.
While a number is collected, keys end with #; a lone 0 or * or the key of a choice keeps its meaning, since none of
them is a number.
"""

import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from intake.messages import Answer, Button, Expects, Line, Reply
from ivr.prompts import Prompts

LOWEST_CONFIDENCE = 0.3
MOST_CHOICES = 4


@dataclass(frozen=True, slots=True)
class Started:
    """The call was taken."""


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
class HungUp:
    """The call is over."""


Event = Started | Heard | Keyed | Silence | HungUp


class Keys(StrEnum):
    """How keys are taken while listening."""

    ONE = "one"
    """The first key counts at once."""
    NUMBER = "number"
    """Keys are collected until # or a pause."""


@dataclass(frozen=True, slots=True)
class Say:
    """Speak the text."""

    text: str
    kind: Literal["say"] = "say"


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for speech or keys; both also count while what stands before is still being spoken.

    `patient`: the caller is looking something up or writing something down.
    """

    keys: Keys = Keys.ONE
    patient: bool = False
    kind: Literal["listen"] = "listen"


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""

    kind: Literal["hang_up"] = "hang_up"


Instruction = Say | Listen | HangUp


@dataclass(frozen=True, slots=True)
class CallState:
    """All that the flow remembers of a call. `prompt` is what * repeats; `closed`: the matter is finished."""

    call_sid: str
    caller: str | None = None
    line: Line = Line.CITIZEN
    step: int = 0
    messages: int = 0
    silences: int = 0
    no_matches: int = 0
    expects: Expects = Expects.SPEECH
    buttons: tuple[Button, ...] = ()
    prompt: tuple[str, ...] = ()
    closed: bool = False
    ended: bool = False

    @property
    def at_greeting(self) -> bool:
        """Nothing was said yet and no line chosen."""
        return self.messages == 0 and self.line is Line.CITIZEN

    @property
    def collects_number(self) -> bool:
        """A phone, order or code number is wanted."""
        return self.expects in (Expects.PHONE, Expects.DIGITS)


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next.

    With `ask`, the conversation is asked that text first and its answer given to `answered`; `instructions` are then
    only what is said before the answer, and `leaving` means that the call ends after it.
    """

    state: CallState
    instructions: tuple[Instruction, ...] = ()
    ask: str | None = None
    leaving: bool = False


def advance(state: CallState, event: Event, prompts: Prompts) -> Step:
    """What the flow does when `event` happens in `state`."""
    match event:
        case Started():
            return _prompt(state, (prompts.greeting,))
        case Heard():
            return _heard(state, event, prompts)
        case Keyed():
            return _keyed(state, event.keys, prompts)
        case Silence():
            return _silent(state, prompts)
        case HungUp():
            return Step(replace(state, ended=True))


def answered(step: Step, answer: Answer, prompts: Prompts) -> Step:
    """What is said now that the conversation has answered what `step` asked."""
    if step.leaving:
        return _leave(step.state, step.instructions, _truth_about(answer, prompts), prompts)
    last = answer.replies[-1] if answer.replies else Reply(prompts.go_on)
    state = replace(step.state, expects=last.expects, buttons=last.buttons[:MOST_CHOICES], closed=answer.ended)
    said = tuple(reply.text for reply in answer.replies) or (last.text,)
    if answer.ended and answer.work_order is None and last.expects is Expects.NOTHING:
        return _leave(state, step.instructions, said, prompts, farewell=False)
    spoken = _prompt(state, (*said, *_what_to_do(state, prompts)))
    return replace(spoken, instructions=(*step.instructions, *spoken.instructions))


def apologise(state: CallState, again: bool, prompts: Prompts) -> Step:
    """Something broke in this step: say so and listen, or, when it breaks `again`, say so and end."""
    if again:
        return Step(replace(state, ended=True), (Say(prompts.trouble_goodbye), HangUp()))
    return _reprompt(state, prompts.trouble)


def _heard(state: CallState, heard: Heard, prompts: Prompts) -> Step:
    if not _is_clear(heard):
        return _not_matched(state, prompts.no_match[min(state.no_matches, len(prompts.no_match) - 1)], prompts)
    plain = _plain(heard.text)
    if plain in prompts.repeat_words and state.prompt:
        return _repeat(state)
    if plain in prompts.person_words:
        return _ask(state, prompts.person)
    if state.at_greeting and plain in prompts.enterprise_words:
        return _enterprise(state, prompts)
    chosen = _spoken_choice(state, plain, prompts)
    return _ask(state, chosen.payload if chosen else heard.text.strip())


def _keyed(state: CallState, keys: str, prompts: Prompts) -> Step:
    keys = keys.rpartition("*")[2].strip("#")  # * also starts a mistyped number anew
    if not keys:
        return _repeat(state)
    if keys == "0":
        return _ask(state, prompts.person)
    if keys == "2" and state.at_greeting:
        return _enterprise(state, prompts)
    if keys in [str(key) for key, _ in enumerate(state.buttons, 1)]:
        return _ask(state, state.buttons[int(keys) - 1].payload)
    if state.collects_number:
        return _ask(state, keys)
    return _not_matched(state, prompts.wrong_key, prompts)


def _silent(state: CallState, prompts: Prompts) -> Step:
    if state.closed:
        return _leave(state, (), (), prompts)
    count = state.silences + 1
    if count <= len(prompts.silence):
        return _reprompt(replace(state, silences=count), prompts.silence[count - 1])
    return _give_up(state, prompts.still_silent, prompts)


def _not_matched(state: CallState, sentence: str, prompts: Prompts) -> Step:
    """Ask again; then ask for a person; when even after that nothing is understood, end the call."""
    count = state.no_matches + 1
    counted = replace(state, no_matches=count)
    if count <= len(prompts.no_match):
        return _reprompt(counted, sentence)
    if count == len(prompts.no_match) + 1:
        return _ask(counted, prompts.person, before=prompts.still_unclear, understood=False)
    return _give_up(counted, prompts.still_unclear, prompts)


def _give_up(state: CallState, sentence: str, prompts: Prompts) -> Step:
    """End a call that leads nowhere, and have a person call back where there is anything to call back for."""
    if state.messages == 0 and state.caller is None:
        return _leave(state, (), (sentence, prompts.unreachable), prompts)
    return replace(_ask(state, prompts.person, before=sentence), leaving=True)


def _ask(state: CallState, text: str, before: str = "", understood: bool = True) -> Step:
    counted = replace(state, silences=0, no_matches=0) if understood else state
    asked = replace(counted, messages=state.messages + 1)
    return Step(asked, (Say(before),) if before else (), ask=text)


def _enterprise(state: CallState, prompts: Prompts) -> Step:
    return _prompt(replace(state, line=Line.ENTERPRISE, silences=0, no_matches=0), (prompts.enterprise,))


def _leave(
    state: CallState,
    before: tuple[Instruction, ...],
    said: tuple[str, ...],
    prompts: Prompts,
    farewell: bool = True,
) -> Step:
    last = (prompts.goodbye,) if farewell else ()
    spoken = tuple(Say(text) for text in (*said, *last))
    return Step(replace(state, ended=True), (*before, *spoken, HangUp()))


def _truth_about(answer: Answer, prompts: Prompts) -> tuple[str, ...]:
    """What may be said to a caller who does not speak: no question, and no promise without a record."""
    if answer.work_order is not None or answer.degraded:
        return tuple(reply.text for reply in answer.replies)
    return (prompts.kept,) if answer.draft else ()


def _prompt(state: CallState, said: tuple[str, ...]) -> Step:
    return _repeat(replace(state, prompt=said))


def _repeat(state: CallState) -> Step:
    return Step(state, (*(Say(text) for text in state.prompt), _listening(state)))


def _reprompt(state: CallState, sentence: str) -> Step:
    return Step(state, (Say(sentence), _listening(state)))


def _listening(state: CallState) -> Listen:
    keys = Keys.NUMBER if state.collects_number else Keys.ONE
    return Listen(keys, patient=state.collects_number or state.closed)


def _what_to_do(state: CallState, prompts: Prompts) -> tuple[str, ...]:
    """The keys that can be pressed now, and that the caller may hang up when all is done."""
    template = prompts.choice_beside_number if state.collects_number else prompts.choice
    choices = [template.format(title=button.title, key=key) for key, button in enumerate(state.buttons, 1)]
    return (
        *((prompts.number_keys,) if state.collects_number else ()),
        *(("；".join(choices) + "。",) if choices else ()),
        *((prompts.anything_else,) if state.closed else ()),
    )


def _spoken_choice(state: CallState, plain: str, prompts: Prompts) -> Button | None:
    for position, button in enumerate(state.buttons):
        ordinals = prompts.ordinals[position] if position < len(prompts.ordinals) else ()
        if plain == _plain(button.title) or plain in ordinals:
            return button
    return None


def _is_clear(heard: Heard) -> bool:
    return bool(_plain(heard.text)) and (heard.confidence is None or heard.confidence >= LOWEST_CONFIDENCE)


def _plain(text: str) -> str:
    """The text without punctuation and spaces, full-width letters and digits as plain ones."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] in "LN")
