"""Danger now: recognised by patterns before the bot is asked, so that it works when the bot does not."""

import re
from dataclasses import dataclass
from typing import Any

from opencc import OpenCC

_SIMPLIFIED = OpenCC("t2s")


@dataclass(frozen=True, slots=True)
class _Kind:
    say: str
    patterns: re.Pattern[str]
    certain: re.Pattern[str] | None
    unless: re.Pattern[str] | None


class EmergencyScreen:
    """The kinds of emergency of `city/emergencies.yml`."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._unless = _any(data.get("unless") or [], optional=True)
        self._longest: int = data["max_length"]
        self._kinds = [
            _Kind(
                kind["say"],
                _any(kind["patterns"]),
                _any(kind.get("certain") or [], optional=True),
                _any(kind.get("unless") or [], optional=True),
            )
            for kind in data["kinds"]
        ]

    def warning(self, text: str) -> str | None:
        """What to tell the citizen at once, or None. A long letter is only looked at where it begins and ends."""
        text = _SIMPLIFIED.convert(text)
        parts = [text] if len(text) <= self._longest else [_sentences(text)[0], _sentences(text)[-1]]
        for part in parts:
            if self._unless and self._unless.search(part):
                continue
            for kind in self._kinds:
                if _found(kind.certain, part) or (kind.patterns.search(part) and not _found(kind.unless, part)):
                    return kind.say
        return None


def _found(pattern: re.Pattern[str] | None, text: str) -> bool:
    return pattern is not None and pattern.search(text) is not None


def _any(patterns: list[str], optional: bool = False) -> Any:
    if optional and not patterns:
        return None
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in re.split(r"[。！？!?\n]", text) if sentence.strip()] or [text]
