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

# Of half a million n-grams the strongest carry all of the accuracy (measured), at a fraction of the memory.
KEPT_FEATURES = 200_000


def words(text: str) -> List[str]:
    """The words of a text, for the vectorizer."""
    return list(jieba.cut(text))


class NgramFeatures:
    """TF-IDF over character 1- to 4-grams and word 1- to 2-grams; each of the two views has length 1."""

    def __init__(self) -> None:
        self._views: List[Tuple[CountVectorizer, np.ndarray]] = []

    def fit_transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Learn the vocabulary of `texts` and return their features, a row a text."""
        characters = CountVectorizer(analyzer="char", ngram_range=(1, 4), min_df=2, dtype=np.float32)
        tokens = CountVectorizer(
            tokenizer=words, token_pattern=None, lowercase=False, ngram_range=(1, 2), min_df=2, dtype=np.float32
        )
        blocks = []
        for vectorizer in (characters, tokens):
            counts = vectorizer.fit_transform(texts)
            seen_in = np.bincount(counts.indices, minlength=counts.shape[1])
            rarity = (np.log((1 + len(texts)) / (1 + seen_in)) + 1).astype(np.float32)
            self._views.append((vectorizer, rarity))
            blocks.append(_weighted(counts, rarity))
        return sp.hstack(blocks).tocsr()

    def transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """The features of other texts in the same space."""
        return sp.hstack([_weighted(v.transform(texts), rarity) for v, rarity in self._views]).tocsr()

    def keep(self, columns: np.ndarray) -> None:
        """Forget all features but these (sorted numbers); later rows have just these columns, in this order."""
        kept, first = [], 0
        for vectorizer, rarity in self._views:
            mine = columns[(columns >= first) & (columns < first + len(rarity))] - first
            names = vectorizer.get_feature_names_out()[mine]
            smaller = CountVectorizer(**{**vectorizer.get_params(), "vocabulary": {n: i for i, n in enumerate(names)}})
            smaller.fit([])
            kept.append((smaller, rarity[mine]))
            first += len(rarity)
        self._views = kept


class NgramClassifier:
    """Linear support vector machines for several questions about a text, over the same features."""

    def __init__(self, inverse_regularisation: float) -> None:
        self._strength = inverse_regularisation
        self._features = NgramFeatures()
        self.classes: Dict[str, Tuple[str, ...]] = {}
        self._weights: Dict[str, Tuple[np.ndarray, np.ndarray]] = {}

    def fit(self, texts: Sequence[str], answers: Dict[str, Sequence[Optional[str]]]) -> "NgramClassifier":
        """Learn each question's answers; None is a text that says nothing about the question."""
        rows = self._features.fit_transform(texts)
        machines = {}
        for question, given in answers.items():
            known = [i for i, answer in enumerate(given) if answer is not None]
            machine = LinearSVC(C=self._strength, class_weight="balanced")
            machines[question] = machine.fit(rows[known], [given[i] for i in known])
        strength = np.max([np.abs(machine.coef_).max(axis=0) for machine in machines.values()], axis=0)
        columns = np.sort(np.argsort(-strength)[:KEPT_FEATURES])
        self._features.keep(columns)
        for question, machine in machines.items():
            self.classes[question] = tuple(str(name) for name in machine.classes_)
            weights = machine.coef_[:, columns].astype(np.float32).T.copy()
            self._weights[question] = (weights, machine.intercept_.astype(np.float32))
        return self

    def margins(self, texts: Sequence[str]) -> Dict[str, np.ndarray]:
        """For each question the distance of each text to each answer's border, shape (texts, answers)."""
        rows = self._features.transform(texts)
        return {name: np.asarray(rows @ weights) + bias for name, (weights, bias) in self._weights.items()}


def _weighted(counts: sp.csr_matrix, rarity: np.ndarray) -> sp.csr_matrix:
    counts = counts.tocsr()
    counts.data = (1 + np.log(counts.data)) * rarity[counts.indices]
    lengths = np.sqrt(np.bincount(_row_of_each(counts), weights=counts.data**2, minlength=counts.shape[0]))
    counts.data /= np.maximum(lengths, 1e-9)[_row_of_each(counts)].astype(np.float32)
    return counts


def _row_of_each(counts: sp.csr_matrix) -> np.ndarray:
    return np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
