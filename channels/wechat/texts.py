"""Access to `texts.yml`."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def _texts() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("texts.yml").read_text("utf-8"))
    return loaded


def text(key: str, **values: object) -> str:
    """The text `key`, with its blanks filled in."""
    found = str(_texts()[key])
    return found.format(**values) if values else found


def words(key: str) -> frozenset[str]:
    """The ways of saying `key`."""
    return frozenset(_texts()["words"][key])
