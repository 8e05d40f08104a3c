"""Chinese names of the desk's identifiers, from `words.yml`."""

from functools import cache
from pathlib import Path

import yaml


@cache
def words() -> dict[str, dict[str, str]]:
    """The names by kind (states, lines, channels, events) and identifier, and the sentences of suggestions."""
    loaded: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("words.yml").read_text("utf-8"))
    return loaded
