"""Whether what was found answers the question: a wrong answer is worse than none.

For each of the best candidates a logistic model tells how likely it is right, from how it was found and from how much
of the question it speaks of. Its weights were fitted to questions that were written for this (`tools/judgement/`), and
stand in `judgement.json`; docs/knowledge.md has the measurements.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from math import exp
from pathlib import Path

from knowledge.search.index import LONGEST_SHORT, Candidate, Index, Question
from knowledge.search.words import Words
from knowledge.tables import Verdict

LOOKED_AT = 8
FARTHEST = 30.0
"""Log-odds beyond which nothing is more certain."""
MOST_CHOICES = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """The weights by feature, and from which probability on an entry is told (`sure`) or offered (`maybe`)."""

    weights: dict[str, float]
    constant: float
    sure: float
    maybe: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What was made of a question.

    `candidates` are best first, each with how likely it is right (0…1; below the first `LOOKED_AT` nobody looked: 0).
    `likely`: how many of them are offered where several compete.
    """

    verdict: Verdict
    candidates: tuple[Candidate, ...]
    probabilities: tuple[float, ...]
    likely: int = 0

    @property
    def answer(self) -> Candidate | None:
        """What is told, where the verdict is an answer."""
        return self.candidates[0] if self.verdict is Verdict.ANSWER else None

    @property
    def choices(self) -> tuple[Candidate, ...]:
        """What the citizen chooses from, where several compete."""
        return self.candidates[: self.likely]


@lru_cache(maxsize=1)
def get_judgement() -> Judgement:
    """The judgement that comes with the project."""
    return Judgement(**json.loads(Path(__file__).with_name("judgement.json").read_text("utf-8")))


def judge(
    question: Question, candidates: Sequence[Candidate], index: Index, words: Words, by: Judgement | None = None
) -> Finding:
    """What to do with the candidates of a question, which are best first; those of a letter stay in that order."""
    by = by or get_judgement()
    features_of = described(question, candidates, index, words)
    # A letter that shares no word with an entry is not about it, whatever its vector looks like.
    told = [0.0 if question.is_letter and not f["covered"] else probability(f, by) for f in features_of]
    told += [0.0] * (len(candidates) - len(told))
    ordered = list(zip(told, candidates, strict=True))
    if not question.is_letter:
        ordered.sort(key=lambda pair: -pair[0])
    probabilities = tuple(p for p, _ in ordered)
    found = tuple(candidate for _, candidate in ordered)
    if probabilities and probabilities[0] >= by.sure:
        return Finding(Verdict.ANSWER, found, probabilities)
    if likely := sum(p >= by.maybe for p in probabilities[:MOST_CHOICES]):
        return Finding(Verdict.CHOICE, found, probabilities, likely)
    return Finding(Verdict.UNSURE, found, probabilities)


def probability(features: dict[str, float], by: Judgement) -> float:
    """How likely a candidate of these features is right."""
    said = by.constant + sum(by.weights[name] * value for name, value in crossed(features).items())
    return 1 / (1 + exp(-max(-FARTHEST, min(FARTHEST, said))))


def crossed(features: dict[str, float]) -> dict[str, float]:
    """The features and their products: what one of them says depends on the others."""
    pairs = combinations_with_replacement(features, 2)
    return features | {f"{one}*{other}": features[one] * features[other] for one, other in pairs}


def described(
    question: Question, candidates: Sequence[Candidate], index: Index, words: Words
) -> list[dict[str, float]]:
    """The features of the first `LOOKED_AT` candidates."""
    said = set(question.content)
    whole = index.weight(said)
    own_case, of_today = float(words.asks_after_a_case(question.text)), float(words.asks_of_today(question.text))
    described = []
    for candidate in candidates[:LOOKED_AT]:
        phrases = [set(words.content(phrase)) for phrase in candidate.entry.content.phrases]
        spoken = set().union(*phrases) | set(words.content(candidate.entry.content.body))
        others = [other.score for other in candidates if other is not candidate]
        described.append(
            {
                "asked": candidate.asked,
                "body": candidate.body,
                "whole": candidate.whole,
                "sound": candidate.sound,
                "meaning": candidate.meaning,
                "gist": candidate.gist,
                "lead": max(-1.0, (candidate.score - max(others, default=0.0)) / max(candidate.score, 0.01)),
                "covered": index.weight(said & spoken) / whole if said & spoken else 0.0,
                # The best way of asking: how much of it the question says.
                "spoken_of": max(
                    (index.weight(said & phrase) / index.weight(phrase) for phrase in phrases if said & phrase),
                    default=0.0,
                ),
                "length": min(len(question.text), LONGEST_SHORT) / LONGEST_SHORT,
                # A 一件事 speaks of many matters, and of none by itself.
                "leads_on": float(bool(candidate.entry.content.matters)),
                "own_case": own_case,
                "of_today": of_today,
            }
        )
    return described
