"""Keeps the deprecation warnings of Rasa's old libraries out of the operator's terminal.

Some of these libraries reset Python's own warning filters, so that `-W ignore` alone does not help.
"""

import warnings
from typing import Any


def silence_warnings() -> None:
    """Show no Python warning in this process."""
    warnings.showwarning = _nothing


def _nothing(*_: Any, **__: Any) -> None:
    return None
