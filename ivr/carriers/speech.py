"""How a sentence is spoken: runs of five and more digits are read digit by digit, long ones in groups. Pure."""

import re
from dataclasses import dataclass

SHORTEST_NUMBER = 5
LONGEST_GROUP = 7

_NUMBER = re.compile(r"[0-9][0-9*\- ]*[0-9]")
_GAP = re.compile(r"[*\- ]+")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Words:
    """Text that is read as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Digits:
    """Groups of digits, with a short pause between them."""

    groups: tuple[str, ...]


def parts(text: str) -> list[Words | Digits]:
    """The sentence in its parts, without what no XML can hold and with single spaces."""
    text = _NOT_XML.sub("", " ".join(text.split()))
    found: list[Words | Digits] = []
    end = 0
    for run in _NUMBER.finditer(text):
        if sum(c.isdecimal() for c in run.group()) >= SHORTEST_NUMBER:
            found += [Words(text[end : run.start()]), Digits(_groups(run.group()))]
            end = run.end()
    found.append(Words(text[end:]))
    return [part for part in found if part != Words("")]


def _groups(run: str) -> tuple[str, ...]:
    return tuple(group for part in _GAP.split(run) for group in _in_fours(part))


def _in_fours(digits: str) -> list[str]:
    """Groups of four from the right, as people dictate a number: 139 0724 1234; a short run stays whole."""
    if len(digits) <= LONGEST_GROUP:
        return [digits]
    first = len(digits) % 4
    return [digits[:first]] * bool(first) + [digits[i : i + 4] for i in range(first, len(digits), 4)]
