"""How well the knowledge base answers questions whose answers are known: the measures, each with its 95 % interval.

A question is a JSON line `{"query", "gold": [ids]}`: the entries that answer it, none where the base cannot.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from core.city import City
from hotline.evaluation import BadLabels, Measure, measured
from knowledge.content import Entry
from knowledge.search.encoder import get_encoder
from knowledge.search.index import Candidate, Index, Question, Wanted
from knowledge.search.judge import Finding, judge
from knowledge.search.words import Synonyms, Words
from knowledge.stock import stocked
from knowledge.tables import Verdict


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the entries that answer it."""

    query: str
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class Told:
    """A question with what was found."""

    asked: Asked
    finding: Finding

    def within(self, places: int) -> bool:
        """Whether one of the first `places` entries answers it."""
        return any(candidate.entry.id in self.asked.gold for candidate in self.finding.candidates[:places])

    @property
    def right(self) -> bool:
        """Whether it was told an answer, and a right one."""
        return self.finding.answer is not None and self.within(1)

    @property
    def wrong(self) -> bool:
        """Whether it was told an answer, and a wrong one."""
        return self.finding.answer is not None and not self.within(1)

    @property
    def offered(self) -> bool:
        """Whether it was told the right answer, or asked which was meant with the right one among them."""
        return self.right or any(candidate.entry.id in self.asked.gold for candidate in self.finding.choices)


Share = Callable[[Sequence[Told]], float]


def _share(holds: Callable[[Told], bool]) -> Share:
    return lambda told: sum(map(holds, told)) / len(told) if told else 0.0


ANSWERABLE: dict[str, Share] = {
    "hit@1": _share(lambda told: told.within(1)),
    "hit@3": _share(lambda told: told.within(3)),
    "told the right answer at once": _share(lambda told: told.right),
    "told it, or offered it among at most three": _share(lambda told: told.offered),
    "told a wrong answer": _share(lambda told: told.wrong),
}
UNANSWERABLE: dict[str, Share] = {
    "told a wrong answer": _share(lambda told: told.wrong),
    "asked back in vain": _share(lambda told: told.finding.verdict is Verdict.CHOICE),
}


def read_questions(path: Path) -> list[Asked]:
    """The questions of a file. Raises BadLabels naming the line."""
    return list(_questions(path))


def _questions(path: Path) -> Iterator[Asked]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            asked = json.loads(line)
            yield Asked(str(asked["query"]), frozenset(asked["gold"]))
        except (ValueError, KeyError, TypeError) as error:
            raise BadLabels(f"{path}, line {number}: {error!r}; needs query and gold: a list of ids") from error


@dataclass(frozen=True, slots=True)
class Searched:
    """A question with all that was found."""

    asked: Asked
    question: Question
    candidates: tuple[Candidate, ...]


def base_of(city: City) -> tuple[Index, Words]:
    """The index over the entries that come with the project."""
    words = Words(Synonyms.model_validate(city.read("synonyms.yml")))
    entries = [Entry(entry_id, 1, content) for entry_id, content in stocked(city)]
    vectors = get_encoder().encode([text for entry in entries for text in entry.content.meant])
    return Index.of(entries, words, vectors), words


def searched(asked: Sequence[Asked], index: Index, day: date) -> Iterator[Searched]:
    """The questions with their candidates."""
    vectors, wanted = get_encoder().encode([each.query for each in asked]), Wanted(day)
    for each, vector in zip(asked, vectors, strict=True):
        question = index.question(each.query, vector)
        yield Searched(each, question, tuple(index.search(question, wanted)))


def answered(asked: Sequence[Asked], city: City, day: date) -> list[Told]:
    """The questions with what is made of them."""
    index, words = base_of(city)
    found = searched(asked, index, day)
    return [Told(each.asked, judge(each.question, each.candidates, index, words)) for each in found]


def show_knowledge(console: Console, asked: Sequence[Asked], city: City, day: date, *, missed: bool = False) -> None:
    """Print the measures; with `missed`, the questions that went wrong too."""
    told = answered(asked, city, day)
    for title, measures, kept in (
        ("questions the base answers", ANSWERABLE, [each for each in told if each.asked.gold]),
        ("questions it cannot answer", UNANSWERABLE, [each for each in told if not each.asked.gold]),
    ):
        table = Table(title=f"{len(kept)} {title}", title_justify="left")
        for column in ("measure", "value", "95 % interval"):
            table.add_column(column)
        for name, measure in measures.items():
            found: Measure = measured(measure, kept)
            table.add_row(name, f"{found.value:.3f}", f"{found.low:.3f} – {found.high:.3f}")
        console.print(table)
    if missed:
        for each in told:
            if each.wrong or (each.asked.gold and not each.within(1)):
                first = each.finding.candidates[0] if each.finding.candidates else None
                shown = f"{first.entry.id} {first.entry.content.question}" if first else "nothing"
                probability = each.finding.probabilities[0] if first else 0.0
                wanted = ", ".join(sorted(each.asked.gold)) or "nothing"
                console.print(
                    f"{each.asked.query}\n  wanted {wanted}, found {shown} ({probability:.2f})", highlight=False
                )
