"""The sentences the phone speaks, read from `prompts.yml` and checked once at start."""

import string
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = tuple[Sentence, ...]

VARIABLES = {"greeting": {"city"}, "choice": {"title", "key"}, "choice_beside_number": {"title", "key"}}


class Prompts(BaseModel):
    """All that the call flow may say by itself. Raises pydantic's ValidationError naming every bad entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    greeting: Sentence
    enterprise: Sentence
    go_on: Sentence
    silence: Annotated[Words, Field(min_length=1)]
    no_match: Annotated[Words, Field(min_length=1)]
    wrong_key: Sentence
    choice: Sentence
    choice_beside_number: Sentence
    number_keys: Sentence
    still_unclear: Sentence
    still_silent: Sentence
    kept: Sentence
    unreachable: Sentence
    anything_else: Sentence
    goodbye: Sentence
    trouble: Sentence
    trouble_goodbye: Sentence
    person: Sentence
    person_words: Words
    enterprise_words: Words
    repeat_words: Words
    ordinals: tuple[Words, ...]
    hints: Words

    @field_validator("*")
    @classmethod
    def _known_variables(cls, value: Any, info: Any) -> Any:
        allowed = VARIABLES.get(info.field_name, set())
        if isinstance(value, str) and (found := _variables(value)) != allowed:
            raise ValueError(f"variables {sorted(found)}, must be {sorted(allowed)}")
        return value


def load_prompts(city: str, path: Path = Path(__file__).with_name("prompts.yml")) -> Prompts:
    """The prompts of the shipped file (or another one), with the city's short name filled in."""
    prompts = Prompts.model_validate(yaml.safe_load(path.read_text("utf-8")))
    return prompts.model_copy(update={"greeting": prompts.greeting.format(city=city)})


def _variables(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
