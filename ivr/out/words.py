"""The sentences of an outgoing call and the answers it understands, read from `words.yml` and checked once at start."""

import string
from datetime import time
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, StringConstraints, model_validator

from core.records import Record

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = Annotated[tuple[Sentence, ...], Field(min_length=1)]

VARIABLES = {
    "when_choice": {"title", "key"},
    "later": {"title"},
    "settled": {"city"},
    "matter": {"category"},
    "note": {"nth", "result", "seconds"},
}
ASKED = {"greeting": {"city"}, "solved": {"matter", "unit"}}
"""The variables of what is asked, by question."""
MEANINGS = {
    "greeting": {"yes", "later", "other", "wrong", "absent"},
    "other": {"wrong", "absent"},
    "solved": {"yes", "no"},
    **{each: {"satisfied", "mostly", "unsatisfied"} for each in ("satisfied", "service", "enterprise")},
}
"""What may be answered to each question."""


class Option(Record):
    """One answer: its key, where it has one, and the words people say for it."""

    key: Annotated[str, Field(pattern=r"^[1-8]$")] | None = None
    words: Words


class Question(Record):
    """Something that is asked, in full and in short, and the answers by their meaning."""

    ask: Sentence
    again: Sentence
    options: dict[str, Option]


class Slots(Record):
    """How a moment for another call is named."""

    hour: Sentence
    title: Sentence
    days: Words
    weekdays: Annotated[tuple[Sentence, ...], Field(min_length=7, max_length=7)]
    parts: dict[str, time]


class Answered(Record):
    """How answers are told the desk."""

    solved: dict[bool, Sentence]
    satisfied: dict[str, Sentence]
    unfinished: Sentence
    said: Sentence


class OutWords(Record):
    """All that an outgoing call may say. Raises pydantic's ValidationError naming every bad entry."""

    questions: dict[str, Question]
    when: Sentence
    when_choice: Sentence
    no_slots: Sentence
    remark: Sentence
    nothing_more: Words
    thanks: Sentence
    thanks_unsatisfied: Sentence
    later: Sentence
    refused: Sentence
    wrong: Sentence
    absent: Sentence
    person: Sentence
    settled: Sentence
    unclear_person: Sentence
    still_silent: Sentence
    trouble: Sentence
    silence: Words
    no_match: Words
    wrong_key: Sentence
    matter: Sentence
    matter_unknown: Sentence
    unit_unknown: Sentence
    person_words: Words
    repeat_words: Words
    slower_words: Words
    refuse_words: Words
    negations: Words
    fillers: Words
    slots: Slots
    results: dict[str, Sentence]
    note: Sentence
    answers: Answered
    listed: Sentence
    now: Sentence
    hindrances: dict[str, Sentence]

    @model_validator(mode="after")
    def _fits_the_flow(self) -> "OutWords":
        for name, wanted in VARIABLES.items():
            if (found := _variables(getattr(self, name))) != wanted:
                raise ValueError(f"{name}: variables {sorted(found)}, must be {sorted(wanted)}")
        if set(self.questions) != set(MEANINGS):
            raise ValueError(f"questions: must be {', '.join(sorted(MEANINGS))}")
        for name, question in self.questions.items():
            if set(question.options) != MEANINGS[name]:
                raise ValueError(f"questions.{name}.options: must be {', '.join(sorted(MEANINGS[name]))}")
            if (found := _variables(question.ask)) != ASKED.get(name, set()):
                raise ValueError(f"questions.{name}.ask: variables {sorted(found)}")
            keys = [option.key for option in question.options.values() if option.key]
            if len(keys) != len(set(keys)):
                raise ValueError(f"questions.{name}.options: two have the same key")
        return self


@cache
def load_words(path: Path = Path(__file__).with_name("words.yml")) -> OutWords:
    """The words of the shipped file, or of another one."""
    loaded: Any = yaml.safe_load(path.read_text("utf-8"))
    return OutWords.model_validate(loaded)


def _variables(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
