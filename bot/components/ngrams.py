"""Linear text classification over character and word n-grams.

scikit-learn's own TF-IDF transformer checks itself at every call, which costs more than the transformation; the
weighting is therefore done here, on the counts of its vectorizers.
"""

from typing import Dict, List, Optional, Sequence, Tuple

import jieba
import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.svm import LinearSVC

# The dictionary is loaded now, so that the first citizen does not wait for it.
jieba.initialize()

# Of half a million n-grams and more, each question's strongest carry all of the accuracy (measured), at a fraction of
# the memory.
KEPT_FEATURES = 120_000
# Finding the strongest features needs no exact solution.
ROUGH = 0.05


def words(text: str) -> List[str]:
    """The words of a text, for the vectorizer."""
    return list(jieba.cut(text))


class NgramFeatures:
    """TF-IDF over character 1- to 3-grams and word 1- to 2-grams; each of the two views has length 1."""

    def __init__(self) -> None:
        self._views: List[Tuple[CountVectorizer, np.ndarray]] = []

    def learn(self, texts: Sequence[str]) -> List[sp.csr_matrix]:
        """Learn the vocabulary of `texts` and return their counts, a matrix a view."""
        characters = CountVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, dtype=np.float32)
        tokens = CountVectorizer(
            tokenizer=words, token_pattern=None, lowercase=False, ngram_range=(1, 2), min_df=2, dtype=np.float32
        )
        counts = [vectorizer.fit_transform(texts) for vectorizer in (characters, tokens)]
        self._views = [(vectorizer, _rarity(found)) for vectorizer, found in zip((characters, tokens), counts)]
        return counts

    def keep(self, columns: np.ndarray, counts: Sequence[sp.csr_matrix]) -> List[sp.csr_matrix]:
        """Forget all features but these (sorted numbers); returns what is left of the counts."""
        kept, left, first = [], [], 0
        for (vectorizer, rarity), found in zip(self._views, counts):
            mine = columns[(columns >= first) & (columns < first + len(rarity))] - first
            names = vectorizer.get_feature_names_out()[mine]
            smaller = CountVectorizer(**{**vectorizer.get_params(), "vocabulary": {n: i for i, n in enumerate(names)}})
            smaller.fit([])
            kept.append((smaller, rarity[mine]))
            left.append(found[:, mine])
            first += len(rarity)
        self._views = kept
        return left

    def weigh(self, counts: Sequence[sp.csr_matrix]) -> sp.csr_matrix:
        """The features for counts, a row a text."""
        return sp.hstack([_weighted(found, rarity) for found, (_, rarity) in zip(counts, self._views)]).tocsr()

    def transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """The features of other texts in the same space."""
        return self.weigh([vectorizer.transform(texts) for vectorizer, _ in self._views])


class NgramClassifier:
    """Linear support vector machines for several questions about a text, over the same features."""

    def __init__(self, inverse_regularisation: float) -> None:
        self._strength = inverse_regularisation
        self._features = NgramFeatures()
        self.classes: Dict[str, Tuple[str, ...]] = {}
        self._weights: Dict[str, Tuple[np.ndarray, np.ndarray]] = {}

    def fit(self, texts: Sequence[str], answers: Dict[str, Sequence[Optional[str]]]) -> "NgramClassifier":
        """Learn each question's answers; None is a text that says nothing about the question."""
        counts = self._features.learn(texts)
        rows = self._features.weigh(counts)
        strongest = [self._strongest(rows, given) for given in answers.values()]
        rows = self._features.weigh(self._features.keep(np.unique(np.concatenate(strongest)), counts))
        for question, given in answers.items():
            machine = self._machine(rows, given)
            self.classes[question] = tuple(str(name) for name in machine.classes_)
            weights = machine.coef_.astype(np.float32).T.copy()
            bias = machine.intercept_.astype(np.float32)
            self._weights[question] = (weights, bias) if len(machine.classes_) > 2 else _two_sided(weights, bias)
        return self

    def _strongest(self, rows: sp.csr_matrix, given: Sequence[Optional[str]]) -> np.ndarray:
        strength = np.abs(self._machine(rows, given, ROUGH).coef_).max(axis=0)
        return np.argsort(-strength)[:KEPT_FEATURES]

    def _machine(self, rows: sp.csr_matrix, given: Sequence[Optional[str]], tolerance: float = 1e-3) -> LinearSVC:
        known = [i for i, answer in enumerate(given) if answer is not None]
        machine = LinearSVC(C=self._strength, class_weight="balanced", tol=tolerance)
        return machine.fit(rows[known], [given[i] for i in known])

    def margins(self, texts: Sequence[str]) -> Dict[str, np.ndarray]:
        """For each question the distance of each text to each answer's border, shape (texts, answers)."""
        rows = self._features.transform(texts)
        return {name: np.asarray(rows @ weights) + bias for name, (weights, bias) in self._weights.items()}


def _two_sided(weights: np.ndarray, bias: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Of two answers the machine only knows the border to the second."""
    return np.hstack([-weights, weights]), np.concatenate([-bias, bias])


def _rarity(counts: sp.csr_matrix) -> np.ndarray:
    seen_in = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity: np.ndarray = (np.log((1 + counts.shape[0]) / (1 + seen_in)) + 1).astype(np.float32)
    return rarity


def _weighted(counts: sp.csr_matrix, rarity: np.ndarray) -> sp.csr_matrix:
    counts = counts.tocsr().copy()
    counts.data = (1 + np.log(counts.data)) * rarity[counts.indices]
    lengths = np.sqrt(np.bincount(_row_of_each(counts), weights=counts.data**2, minlength=counts.shape[0]))
    counts.data /= np.maximum(lengths, 1e-9)[_row_of_each(counts)].astype(np.float32)
    return counts


def _row_of_each(counts: sp.csr_matrix) -> np.ndarray:
    return np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
