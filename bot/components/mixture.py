"""What two views of a text say together: the n-grams, learned from the training data, and the sentence encoder."""

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from bot.components.encoder import Encoder
from bot.components.ngrams import NgramClassifier
from bot.script import simplified

INTENT, NATURE = "intent", "nature"

SHORTEST_LETTER = 60
_OPENING = re.compile(r"(?!尊敬|敬爱|您好|你好|各位|领导)([^。！？!?\n]{5,40}[。！？!?])")


@dataclass(frozen=True)
class Shares:
    """How the views are weighed; the shares were chosen on writers held out of the training.

    sharpness: what makes the n-grams' margins logarithms of probabilities; chosen by the calibration on labelled
        messages.
    encoder: the encoder's share in the mixture of logarithms.
    opening: the share of a letter's first sentence alone, beside the whole letter.
    """

    sharpness: float
    encoder: float
    opening: float


class Mixture:
    """Probabilities of intents and natures. `prior` are logarithms of how common a class is, where that is known."""

    def __init__(self, ngrams: NgramClassifier, encoder: Encoder, shares: Shares, prior: Mapping[str, float]) -> None:
        self._ngrams = ngrams
        self._encoder = encoder
        self._shares = shares
        self.classes: Mapping[str, Sequence[str]] = ngrams.classes
        self._prior = np.array([prior.get(intent, 0.0) for intent in self.classes[INTENT]])

    def probabilities(self, texts: Sequence[str]) -> Dict[str, np.ndarray]:
        """For `intent` and `nature` a row a text, in the order of `classes`."""
        texts = [simplified(text) for text in texts]
        openings = [opening(text) for text in texts]
        letters = [place for place, start in enumerate(openings) if start is not None]
        views = [*texts, *filter(None, openings)]
        margins, encoded = self._ngrams.margins(views), self._encoder.encode(views)
        told = {INTENT: (self._encoder.intents, encoded.intents), NATURE: (self._encoder.natures, encoded.natures)}
        mixed: Dict[str, np.ndarray] = {}
        for question, (names, logs) in told.items():
            both = self._mixed(margins[question], self.classes[question], logs, names)
            whole, alone = both[: len(texts)], both[len(texts) :]
            whole[letters] += self._shares.opening * (alone - whole[letters])
            mixed[question] = whole
        mixed[INTENT] = mixed[INTENT] + self._prior
        return {question: np.exp(_log_softmax(values)) for question, values in mixed.items()}

    def _mixed(
        self, margins: np.ndarray, classes: Sequence[str], encoded: np.ndarray, encoder_classes: Sequence[str]
    ) -> np.ndarray:
        """Logarithms of the probabilities of `classes`. A class the encoder does not know gets its lowest value."""
        place = {name: i for i, name in enumerate(encoder_classes)}
        lowest = encoded.min(axis=1)
        aligned = np.stack([encoded[:, place[c]] if c in place else lowest for c in classes], axis=1)
        learned = _log_softmax(margins * self._shares.sharpness)
        return _log_softmax(self._shares.encoder * aligned + (1 - self._shares.encoder) * learned)


def opening(text: str) -> Optional[str]:
    """The first sentence of a letter when it is like a title: short, and no form of address; else None."""
    found = _OPENING.match(text) if len(text) > SHORTEST_LETTER else None
    return found.group(1) if found else None


def prior_of(answers: Sequence[str], smoothing: float = 5.0) -> Dict[str, float]:
    """Logarithms of the shares of the answers an operator's past orders have; the mean class has 0."""
    counts: Dict[str, Any] = {answer: answers.count(answer) for answer in set(answers)}
    logs = {answer: float(np.log(count + smoothing)) for answer, count in counts.items()}
    mean = sum(logs.values()) / max(1, len(logs))
    return {answer: value - mean for answer, value in logs.items()}


def _log_softmax(values: np.ndarray) -> np.ndarray:
    """The rows as logarithms of probabilities."""
    return np.asarray(values - np.logaddexp.reduce(values, axis=1, keepdims=True))


def ranked(names: Sequence[str], probabilities: np.ndarray) -> List[Any]:
    """`(name, probability)`, the likeliest first."""
    order = np.argsort(-probabilities, kind="stable")
    return [(names[i], float(probabilities[i])) for i in order]
