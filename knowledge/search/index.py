"""All entries that may answer, in memory: found by words, by sound and by meaning, best first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from knowledge.content import Audience, Content, Entry
from knowledge.search.encoder import SIZE, Vectors
from knowledge.search.lexical import Lexical, Scores
from knowledge.search.nearest import InMemory, Nearest
from knowledge.search.words import Words


class Weights(NamedTuple):
    """What each way of finding counts (docs/knowledge.md has the measurements)."""

    asked: float
    body: float
    whole: float
    sound: float
    meaning: float
    gist: float


SHORT = Weights(asked=1.0, body=0.5, whole=1.5, sound=0.7, meaning=1.2, gist=0.8)
# A letter names its matter among much else, and its vector knows the beginning alone.
LETTER = Weights(asked=0.2, body=0.0, whole=2.0, sound=0.1, meaning=0.05, gist=0.1)
LONGEST_SHORT = 60
"""Characters from which a question is a letter."""
# The cosine of unrelated sentences with this encoder, and of the same sentence.
UNRELATED, SAME = 0.23, 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who asks, and when; what is not known excludes nothing."""

    day: date
    audience: Audience | None = None
    area: str | None = None

    def admits(self, content: Content) -> bool:
        """Whether it may be told them on that day."""
        return content.holds_on(self.day) and content.holds_for(self.audience, self.area)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that may answer.

    The scores are 0…1, of its best way of asking: by words (`asked`), by sound, by meaning; `body`: by words of what it
    answers; `whole`: by all its words; `gist`: by the meaning of its question and answer; `score` is what they come to
    together.
    """

    entry: Entry
    score: float
    asked: float
    body: float
    whole: float
    sound: float
    meaning: float
    gist: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is searched for."""

    text: str
    tokens: tuple[str, ...]
    sounds: tuple[str, ...]
    content: tuple[str, ...]
    vector: Vectors | None

    @property
    def is_letter(self) -> bool:
        """Whether it is too long to be a mere question."""
        return len(self.text) >= LONGEST_SHORT


class Index:
    """An index over entries. Does not change once it is made."""

    def __init__(self, entries: Sequence[Entry], words: Words, nearest: Nearest) -> None:
        self.entries = tuple(entries)
        self._words = words
        self._nearest = nearest
        counts = [len(entry.content.phrases) for entry in self.entries]
        self._first = np.cumsum([0, *counts])[:-1]
        phrases = [phrase for entry in self.entries for phrase in entry.content.phrases]
        self._asked = Lexical([words.tokens(phrase) for phrase in phrases])
        self._sound = Lexical([words.sounds(phrase) for phrase in phrases])
        self._body = Lexical([words.tokens(entry.content.body) for entry in self.entries])
        self._whole = Lexical([words.tokens(entry.content.whole) for entry in self.entries])

    @classmethod
    def of(cls, entries: Sequence[Entry], words: Words, vectors: Vectors) -> "Index":
        """The index with a row of `vectors` for each text each entry is meant by, in their order."""
        return cls(entries, words, InMemory(vectors, [len(entry.content.meant) for entry in entries]))

    def question(self, text: str, vector: Vectors | None) -> Question:
        """A question, taken apart. `vector` is its own row, None to find by words alone."""
        words = self._words
        return Question(text, tuple(words.tokens(text)), tuple(words.sounds(text)), tuple(words.content(text)), vector)

    def search(
        self, question: Question, wanted: Wanted, most: int = 10, without: frozenset[str] = frozenset()
    ) -> list[Candidate]:
        """The entries that fit best, at most `most`, best first; of those that may be told to whom asks."""
        if not self.entries:
            return []
        asked = self._best_phrase(self._asked.scores(question.tokens))
        sound = self._best_phrase(self._sound.scores(question.sounds))
        body, whole = self._body.scores(question.tokens), self._whole.scores(question.tokens)
        meaning, gist = self._meaning(question.vector)
        by = LETTER if question.is_letter else SHORT
        words = by.asked * asked + by.body * body + by.whole * whole + by.sound * sound
        score = words + by.meaning * meaning + by.gist * gist
        found: list[Candidate] = []
        for i in _descending(score):
            entry = self.entries[i]
            if score[i] <= 0 or len(found) == most:
                break
            if entry.id not in without and wanted.admits(entry.content):
                parts = (float(part[i]) for part in (score, asked, body, whole, sound, meaning, gist))
                found.append(Candidate(entry, *parts))
        return found

    def weight(self, tokens: Iterable[str]) -> float:
        """What tokens say together, measured on what can be asked for."""
        return self._asked.weight(list(tokens))

    def _best_phrase(self, scores: Scores) -> Scores:
        best: Scores = np.maximum.reduceat(scores, self._first) if len(scores) else scores
        return best

    def _meaning(self, vector: Vectors | None) -> tuple[Scores, Scores]:
        if vector is None or not self.entries:
            nothing = np.zeros(len(self.entries), dtype=np.float32)
            return nothing, nothing
        asked, gist = self._nearest.cosines(vector)
        return _above(asked), _above(gist)


def _above(cosines: Scores) -> Scores:
    """What lies between unrelated and the same, as 0…1."""
    near: Scores = np.clip((cosines - UNRELATED) / (SAME - UNRELATED), 0, 1).astype(np.float32)
    return near


def _descending(scores: Scores, step: int = 64) -> Iterable[int]:
    """The places of the scores, highest first; sorts no more than is asked for."""
    taken = 0
    while taken < len(scores):
        until = min(len(scores), taken + step)
        best = np.argpartition(-scores, until - 1)[:until] if until < len(scores) else np.arange(len(scores))
        ordered: npt.NDArray[np.intp] = best[np.argsort(-scores[best], kind="stable")]
        yield from (int(i) for i in ordered[taken:])
        taken, step = until, step * 8


def no_vectors() -> Vectors:
    """What an empty index is made with."""
    return np.empty((0, SIZE), dtype=np.float32)
