"""Live entries that answer the same question twice, and those of them that may not agree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from knowledge.content import Content, Entry
from knowledge.search.encoder import Vectors

ALIKE = 0.86
"""The cosine of two questions from which somebody should look whether they are one."""
_FIGURE = re.compile(
    r"(\d+(?:\.\d+)?)\s*(个?工作日|个?小时|个?自然日|日内|天|日|个?月|周岁|岁|年|万元|元|%|％|折|倍|分钟|次|份|米|公里)"
)


class Kind(StrEnum):
    """Why two entries should be looked at together."""

    DUPLICATE = "duplicate"
    CONTRADICTION = "contradiction"
    """Like questions, but figures of the same unit differ."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entries that are alike. `figures`: what the one and the other says where they differ."""

    kind: Kind
    one: Entry
    other: Entry
    likeness: float
    figures: tuple[tuple[str, str], ...] = ()


def alike(entries: list[Entry], vectors: Vectors) -> list[Pair]:
    """The pairs, the likest first. `vectors`: a row for each entry's standard question.

    Entries for other people (audience) or another area do not compete; those with the same words always do.
    """
    pairs = [_pair(entries[i], entries[j], likeness) for i, j, likeness in _near(entries, vectors)]
    return sorted(pairs, key=lambda pair: (pair.kind is not Kind.CONTRADICTION, -pair.likeness))


def figures(content: Content) -> dict[str, set[str]]:
    """The numbers an answer names, by unit."""
    found: dict[str, set[str]] = {}
    for number, unit in _FIGURE.findall(content.body.replace(content.source, "")):
        found.setdefault(unit.removeprefix("个").replace("％", "%"), set()).add(number)
    return found


def _near(entries: list[Entry], vectors: Vectors, step: int = 1000) -> Iterator[tuple[int, int, float]]:
    for start in range(0, len(entries), step):
        near = vectors[start : start + step] @ vectors.T
        for row, column in np.argwhere(near >= ALIKE):
            i, j = start + int(row), int(column)
            if i < j and _compete(entries[i].content, entries[j].content):
                yield i, j, float(near[row, column])


def _compete(one: Content, other: Content) -> bool:
    same_people = one.audience == other.audience or "both" in (one.audience, other.audience)
    return same_people and (one.area.startswith(other.area) or other.area.startswith(one.area))


def _pair(one: Entry, other: Entry, likeness: float) -> Pair:
    ours, theirs = figures(one.content), figures(other.content)
    differing = tuple(
        ("、".join(f"{n}{unit}" for n in sorted(ours[unit])), "、".join(f"{n}{unit}" for n in sorted(theirs[unit])))
        for unit in ours.keys() & theirs.keys()
        if not ours[unit] & theirs[unit]
    )
    kind = Kind.CONTRADICTION if differing else Kind.DUPLICATE
    return Pair(kind, one, other, round(likeness, 3), differing)
