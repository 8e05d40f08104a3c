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
    return str(_texts()[key]).format(**values)


def said(kind: str) -> str:
    """How a file of a kind stands in the conversation."""
    return str(_texts()["said"][kind])
