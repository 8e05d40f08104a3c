"""Access to `texts.yml`."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

LONGEST_SHOWN = 60


@cache
def _texts() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("texts.yml").read_text("utf-8"))
    return loaded


def text(key: str, **values: object) -> str:
    """The text `key`, with its blanks filled in."""
    return str(_texts()[key]).format(**values)


def allowed(field: str) -> str:
    """What `field` may be."""
    return str(_texts()["allowed"][field])


def shown(value: object) -> str:
    """A value somebody sent, as an error repeats it."""
    quoted = repr(value)
    return quoted if len(quoted) <= LONGEST_SHOWN else quoted[: LONGEST_SHOWN - 1] + "…"
