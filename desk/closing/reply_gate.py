"""What a reply lacks before it goes to review (答复质检). Pure and offline.

The patterns and their levels are those of `city/reply_gate.yml`.
"""

import re
import unicodedata
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field
from rapidfuzz import fuzz

from core.records import Record
from desk.orders.model import Outcome

SHORTEST_POINT = 4
"""Characters a sentence has at least to be a point."""
SHOWN_POINT = 40
MOST_POINTS = 5
_SENTENCE = re.compile(r"[^。！!；;\n？?，,]+[？?]?")
_SPACE = re.compile(r"\s+")


class Kind(StrEnum):
    """What can be missing or wrong."""

    SHORT = "short"
    COPIED = "copied"
    POINT = "point"
    ACTION = "action"
    DATE = "date"
    CONTACT = "contact"
    BLAME = "blame"
    OUTCOME = "outcome"
    """The words say the opposite of the outcome."""
    BASIS = "basis"
    """Nothing says what the outcome rests on: the check that found nothing, the way that is open instead."""


class Level(StrEnum):
    """What a finding does."""

    HARD = "hard"
    """The reply is refused, unless its writer says why it goes to review all the same."""
    HINT = "hint"


class Finding(BaseModel):
    """Something a reply lacks; `says` is for its writer."""

    kind: Kind
    level: Level
    says: str

    @property
    def refuses(self) -> bool:
        """Whether the reply cannot go on with it."""
        return self.level is Level.HARD


Pattern = Annotated[re.Pattern[str], BeforeValidator(re.compile)]


class Telling(Record):
    """How a finding is told."""

    level: Level
    says: str


class Asked(Record):
    """What makes a sentence a point."""

    question: Pattern
    demand: Pattern


class Question(Record):
    """A kind of question, and what answers it."""

    asked: Pattern
    answered: Pattern


class Fitting(Record):
    """What a reply with an outcome has to say, and what it must not."""

    action: bool = True
    date: bool = False
    needs: Pattern | None = None
    never: Pattern | None = None
    unless: Pattern | None = None

    def contradicts(self, text: str) -> bool:
        """Whether the words say the opposite of the outcome."""
        said = self.never is not None and self.never.search(text) is not None
        return said and not (self.unless is not None and self.unless.search(text))

    def has_basis(self, text: str) -> bool:
        """Whether the words say what the outcome rests on."""
        return self.needs is None or self.needs.search(text) is not None


class Gate(Record):
    """The rules of `city/reply_gate.yml`. Raises pydantic's ValidationError naming what is wrong."""

    findings: dict[Kind, Telling] = Field(min_length=len(Kind))
    shortest: int
    copied: float
    asked: Asked
    questions: tuple[Question, ...]
    touched: float
    empty: tuple[str, ...]
    action: Pattern
    date: Pattern
    contact: Pattern
    blame: Pattern
    outcomes: dict[Outcome, Fitting]

    def check(self, reply: str, outcome: Outcome, asked: list[str], earlier: list[str]) -> list[Finding]:
        """What `reply` lacks; `asked` are the citizen's texts, `earlier` the replies before it to the same order."""
        text, fitting = _plain(reply), self.outcomes.get(outcome, Fitting())
        found: list[Finding] = []
        if len(text) < self.shortest:
            found.append(self._finding(Kind.SHORT))
        if any(fuzz.ratio(text, _plain(old)) >= 100 * self.copied for old in earlier):
            found.append(self._finding(Kind.COPIED))
        missed = [point for point in self.points(asked) if not self._answers(text, point)]
        found += [self._finding(Kind.POINT, point=point[:SHOWN_POINT]) for point in missed]
        if fitting.action and not self.action.search(text):
            found.append(self._finding(Kind.ACTION))
        if fitting.date and not self.date.search(text):
            found.append(self._finding(Kind.DATE))
        if not self.contact.search(text):
            found.append(self._finding(Kind.CONTACT))
        if brush_off := self.blame.search(text):
            found.append(self._finding(Kind.BLAME, found=brush_off.group()))
        if fitting.contradicts(text):
            found.append(self._finding(Kind.OUTCOME))
        if not fitting.has_basis(text):
            found.append(self._finding(Kind.BASIS))
        return found

    def points(self, texts: list[str]) -> list[str]:
        """The questions and demands in what a citizen wrote, in order, at most `MOST_POINTS`."""
        sentences = [sentence for text in texts for sentence in _SENTENCE.findall(_plain(text))]
        points = [s for s in sentences if self.asked.question.search(s) or self.asked.demand.search(s)]
        said = (point for point in points if len(self._substance(point)) >= SHORTEST_POINT or self._kind(point))
        return list(dict.fromkeys(said))[:MOST_POINTS]

    def _answers(self, reply: str, point: str) -> bool:
        kind = self._kind(point)
        if kind is not None:
            return bool(kind.answered.search(reply))
        pairs = _pairs(self._substance(point))
        return not pairs or len(pairs & _pairs(reply)) >= self.touched * len(pairs)

    def _kind(self, point: str) -> Question | None:
        return next((kind for kind in self.questions if kind.asked.search(point)), None)

    def _substance(self, point: str) -> str:
        for word in sorted(self.empty, key=len, reverse=True):
            point = point.replace(word, " ")
        return point.strip(" ？?")

    def _finding(self, kind: Kind, **told: str) -> Finding:
        telling = self.findings[kind]
        return Finding(kind=kind, level=telling.level, says=telling.says.format(**told))


def read_gate(data: Any) -> Gate:
    """The rules in the data of `city/reply_gate.yml`."""
    return Gate.model_validate(data)


def _plain(text: str) -> str:
    return "\n".join(_SPACE.sub("", unicodedata.normalize("NFKC", line)) for line in text.splitlines())


def _pairs(text: str) -> set[str]:
    """The pairs of characters within words; a gap between words makes none."""
    return {text[i : i + 2] for i in range(len(text) - 1) if " " not in text[i : i + 2]}
