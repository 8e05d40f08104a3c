"""The sentences the phone speaks, read from `prompts.yml` and checked once at start."""

import re
import string
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = tuple[Sentence, ...]

VARIABLES = {
    "greeting": {"city"},
    "elder": {"city"},
    "leader": {"leader"},
    "choice": {"title", "key"},
    "choice_beside_number": {"title", "key"},
    "open_order": {"age", "matter", "state"},
    "secret_order": {"number", "state"},
    "queue_place": {"ahead"},
    "queue_wait": {"ahead", "minutes"},
    "nobody_until": {"opens"},
    "message_kept": {"number"},
}
CHOICES = {"supplement", "expedite", "next", "other", "message", "call_back", "family"}


class Prompts(BaseModel):
    """All that the call flow may say by itself. Raises pydantic's ValidationError naming every bad entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    greeting: Sentence
    leader: Sentence
    elder: Sentence
    citizen: Sentence
    enterprise: Sentence
    suggestion: Sentence
    go_on: Sentence
    more: Sentence
    hold: Annotated[Words, Field(min_length=1)]
    silence: Annotated[Words, Field(min_length=1)]
    no_match: Annotated[Words, Field(min_length=1)]
    wrong_key: Sentence
    choice: Sentence
    choice_beside_number: Sentence
    number_keys: Sentence
    proof: Sentence
    proof_wrong: Sentence
    barred: Sentence
    nothing_open: Sentence
    open_order: Sentence
    secret_order: Sentence
    supplement: Sentence
    supplemented: Sentence
    expedited: Sentence
    connecting: Sentence
    queue_next: Sentence
    queue_place: Sentence
    queue_wait: Sentence
    dialect: Sentence
    mandarin: Sentence
    nobody: Sentence
    nobody_until: Sentence
    message: Sentence
    message_kept: Sentence
    keeps_place: Sentence
    will_call_back: Sentence
    texted: Sentence
    family: Sentence
    shared: Sentence
    not_shared: Sentence
    still_unclear: Sentence
    still_silent: Sentence
    kept: Sentence
    unreachable: Sentence
    anything_else: Sentence
    goodbye: Sentence
    trouble: Sentence
    trouble_goodbye: Sentence
    choices: dict[str, Sentence]
    person: Sentence
    progress: Sentence
    back: Sentence
    person_words: Words
    person_patterns: tuple[re.Pattern[str], ...]
    enterprise_words: Words
    progress_words: Words
    repeat_words: Words
    slower_words: Words
    louder_words: Words
    told_words: Words
    ordinals: tuple[Words, ...]
    hints: Words

    @field_validator("choices")
    @classmethod
    def _all_choices(cls, value: dict[str, str]) -> dict[str, str]:
        if set(value) != CHOICES:
            raise ValueError(f"choices {sorted(value)}, must be {sorted(CHOICES)}")
        return value

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
    filled = {name: getattr(prompts, name).format(city=city) for name in ("greeting", "elder")}
    return prompts.model_copy(update=filled)


def _variables(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
