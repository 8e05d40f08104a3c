"""Saying something and listening: what every part of the flow does."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from intake.messages import Button
from ivr.flow.events import Heard
from ivr.flow.instructions import HangUp, Instruction, Keys, Listen, Pace, Say
from ivr.flow.state import CallState, Step, Where
from ivr.prompts import Prompts

LOWEST_CONFIDENCE = 0.3
MOST_CHOICES = 4
PATIENCE = 10
"""Seconds of silence while the caller looks something up or writes something down."""
BREATH = 3
"""Seconds of silence after which a story is told."""


def prompt(state: CallState, said: Sequence[str], prompts: Prompts) -> Step:
    """Say this, with the keys that can be pressed now, and listen; * repeats all of it."""
    return repeat(replace(state, prompt=(*said, *keys_of(state, prompts))))


def repeat(state: CallState) -> Step:
    """The last prompt again."""
    return Step(state, (*say(state, *state.prompt), listening(state)))


def reprompt(state: CallState, sentence: str, pace: Pace | None = None) -> Step:
    """Say one sentence and go on listening for what was asked."""
    return Step(state, (Say(sentence, pace or state.pace, state.loud), listening(state)))


def leave(state: CallState, said: Sequence[str], before: tuple[Instruction, ...] = ()) -> Step:
    """Say this and end the call."""
    return Step(replace(state, where=Where.OVER), (*before, *say(state, *said), HangUp()))


def say(state: CallState, *texts: str) -> tuple[Say, ...]:
    """The texts, as slow and as loud as this caller wants them."""
    return tuple(Say(text, state.pace, state.loud) for text in texts)


def listening(state: CallState) -> Listen:
    """How to listen for what was asked."""
    if state.where in (Where.STORY, Where.SUPPLEMENT):
        return Listen(Keys.ONE, seconds=BREATH if state.pieces else PATIENCE)
    keys = Keys.NUMBER if state.collects_number else Keys.ONE
    return Listen(keys, seconds=PATIENCE) if state.collects_number or state.closed else Listen(keys)


def keys_of(state: CallState, prompts: Prompts) -> tuple[str, ...]:
    """The keys that can be pressed now, and that the caller may hang up when all is done."""
    template = prompts.choice_beside_number if state.collects_number else prompts.choice
    choices = [template.format(title=button.title, key=key) for key, button in enumerate(state.buttons, 1)]
    return (
        *((prompts.number_keys,) if state.collects_number else ()),
        *(("；".join(choices) + "。",) if choices else ()),
        *((prompts.anything_else,) if state.closed else ()),
    )


def keyed_choice(state: CallState, keys: str) -> Button | None:
    """The choice a key stands for."""
    return state.buttons[int(keys) - 1] if keys in [str(n) for n in range(1, len(state.buttons) + 1)] else None


def spoken_choice(state: CallState, heard: str, prompts: Prompts) -> Button | None:
    """The choice these words name, by its title or as "the first one"."""
    for position, button in enumerate(state.buttons):
        ordinals = prompts.ordinals[position] if position < len(prompts.ordinals) else ()
        if heard == plain(button.title) or heard in ordinals:
            return button
    return None


def understood(state: CallState) -> CallState:
    """Something was understood: all counts begin anew."""
    return replace(state, silences=0, no_matches=0)


def is_clear(heard: Heard) -> bool:
    """Whether the recogniser has understood anything."""
    return bool(plain(heard.text)) and (heard.confidence is None or heard.confidence >= LOWEST_CONFIDENCE)


def plain(text: str) -> str:
    """The text without punctuation and spaces, full-width letters and digits as plain ones."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] in "LN")
