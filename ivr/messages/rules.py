"""The city's rules of recordings (`recordings` in `city/phone.yml`), and the words the desk reads of one."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from core.city import City


class Rules(BaseModel):
    """Raises pydantic's ValidationError naming every bad value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_bytes: int = Field(ge=1, le=100_000_000)
    tries: int = Field(ge=1, le=100)
    patience_seconds: int = Field(ge=10, le=86_400)
    minutes_a_day: int = Field(ge=0)
    talks: bool

    @classmethod
    def of_city(cls, city: City) -> "Rules":
        """A city's rules."""
        return cls.model_validate(city.read("phone.yml")["recordings"])


def talk_notice(city: City) -> str | None:
    """What has to be said to both before a talk with a seat is recorded; None: talks are not recorded."""
    return str(words()["talk_notice"]) if Rules.of_city(city).talks else None


@cache
def words() -> dict[str, Any]:
    """The sentences of `words.yml`."""
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("words.yml").read_text("utf-8"))
    return loaded
