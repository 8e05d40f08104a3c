"""How well the bot understands labelled messages: the measures, each with its 95 % interval by bootstrap.

A labelled message is a JSON line `{"id","title","text","gold":[…],"also":[…],"nature":[…]}`: `gold` are the categories
the readers chose, `also` second ones they found defensible. `title`, `also` and `nature` may be missing.
"""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

RESAMPLES = 1000
BINS = 10


class BadLabels(ValueError):
    """A file that is not of labelled messages; the text names the line and what is missing."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A message with what readers say it is."""

    id: str
    title: str
    text: str
    gold: tuple[str, ...]
    also: tuple[str, ...]
    nature: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled message with what the bot says: the ranking of the categories, best first, and the nature."""

    labelled: Labelled
    ranking: tuple[tuple[str, float], ...]
    nature: str | None

    @property
    def right(self) -> bool:
        """Whether the first category is one the readers chose."""
        return bool(self.ranking) and self.ranking[0][0] in self.labelled.gold


@dataclass(frozen=True, slots=True)
class Measure:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


def read_labelled(path: Path) -> list[Labelled]:
    """The messages of a file. Raises BadLabels."""
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry: dict[str, Any] = json.loads(line)
            gold, nature = tuple(entry["gold"]), tuple(entry.get("nature", ()))
            labelled = Labelled(
                str(entry["id"]), entry.get("title", ""), entry["text"], gold, tuple(entry.get("also", ())), nature
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadLabels(
                f"{path}, line {number}: {error!r}; needs id, text and gold: a list of categories"
            ) from error
        found.append(labelled)
    if not found:
        raise BadLabels(f"{path}: no messages in it")
    return found


def judged(labelled: Sequence[Labelled], parsed: Iterable[dict[str, Any]]) -> list[Judged]:
    """The messages with the bot's answers, by id; a message without an answer has an empty ranking."""
    answers = {answer["id"]: answer for answer in parsed}
    found = []
    for message in labelled:
        answer = answers.get(message.id, {})
        ranking = tuple((str(category), float(p)) for category, p in answer.get("ranking", ()))
        found.append(Judged(message, ranking, answer.get("nature")))
    return found


def top(places: int) -> Callable[[Sequence[Judged]], float]:
    """The share of messages with a right category among the first `places`."""

    def share(messages: Sequence[Judged]) -> float:
        return _share(any(c in m.labelled.gold for c, _ in m.ranking[:places]) for m in messages)

    return share


def defensible(messages: Sequence[Judged]) -> float:
    """The share whose first category the readers chose or found defensible."""
    return _share(m.right or (bool(m.ranking) and m.ranking[0][0] in m.labelled.also) for m in messages)


def nature(messages: Sequence[Judged]) -> float:
    """The share with a right nature."""
    return _share(m.nature in m.labelled.nature for m in messages)


def f1_by_category(messages: Sequence[Judged]) -> dict[str, float]:
    """F1 of each category that occurs; a message of several counts for the told one, or for the first."""
    hits: dict[str, int] = {}
    wrong: dict[str, int] = {}
    for message in messages:
        told = message.ranking[0][0] if message.ranking else ""
        if message.right:
            hits[told] = hits.get(told, 0) + 1
        else:
            for category in (told, message.labelled.gold[0]):
                wrong[category] = wrong.get(category, 0) + 1
    wanted = {message.labelled.gold[0] for message in messages} | set(hits)
    return {c: 2 * hits.get(c, 0) / max(1, 2 * hits.get(c, 0) + wrong.get(c, 0)) for c in sorted(wanted)}


def macro_f1(messages: Sequence[Judged]) -> float:
    """The mean of F1 over the categories that occur."""
    found = f1_by_category(messages)
    return sum(found.values()) / len(found)


def calibration_error(messages: Sequence[Judged]) -> float:
    """Expected calibration error over ten bins of the first category's probability."""
    off = [0.0] * BINS
    for message in messages:
        if message.ranking:
            confidence = message.ranking[0][1]
            off[min(int(confidence * BINS), BINS - 1)] += confidence - message.right
    return sum(map(abs, off)) / len(messages)


MEASURES: dict[str, Callable[[Sequence[Judged]], float]] = {
    "top-1": top(1),
    "top-1 or a second unit the readers accept": defensible,
    "top-3": top(3),
    "macro F1": macro_f1,
    "nature": nature,
    "calibration error": calibration_error,
}


def measured(measure: Callable[[Sequence[T]], float], messages: Sequence[T]) -> Measure:
    """A measure with its interval from `RESAMPLES` resamples; the same messages give the same interval."""
    chance = random.Random(0)
    values = sorted(measure(chance.choices(messages, k=len(messages))) for _ in range(RESAMPLES))
    return Measure(measure(messages), values[int(0.025 * RESAMPLES)], values[int(0.975 * RESAMPLES)])


def confusions(messages: Sequence[Judged], most: int) -> list[tuple[str, str, int]]:
    """The commonest pairs (readers' category, told category), with their number."""
    counted: dict[tuple[str, str], int] = {}
    for message in messages:
        if message.ranking and not message.right:
            pair = (message.labelled.gold[0], message.ranking[0][0])
            counted[pair] = counted.get(pair, 0) + 1
    ordered = sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))
    return [(gold, told, count) for (gold, told), count in ordered[:most]]


def _share(hits: Iterable[bool]) -> float:
    found = list(hits)
    return sum(found) / len(found)
