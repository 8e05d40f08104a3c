"""The sentences of a module, which stand in a YAML file beside it."""

from functools import cached_property
from pathlib import Path
from typing import Any

import yaml


class Wording:
    """A file of sentences, read when the first of them is needed."""

    def __init__(self, module: str, name: str = "texts.yml") -> None:
        """`module` is the `__file__` of the module the file stands beside."""
        self._file = Path(module).with_name(name)

    @cached_property
    def all(self) -> dict[str, Any]:
        """Everything in the file."""
        loaded: dict[str, Any] = yaml.safe_load(self._file.read_text("utf-8"))
        return loaded

    def __call__(self, key: str, **blanks: object) -> str:
        """The sentence `key`, with its blanks filled in."""
        found = str(self.all[key])
        return found.format(**blanks) if blanks else found

    def of(self, group: str, key: str) -> str:
        """The sentence `key` of a group."""
        return str(self.all[group][key])
