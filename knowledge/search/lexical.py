"""BM25 over tokens (bm25s): scores of documents, and how much of a question a document speaks of."""

import logging
from collections.abc import Sequence

import bm25s
import numpy as np
import numpy.typing as npt

# It sets its logger to DEBUG when it is imported, and says a line for each index.
logging.getLogger("bm25s").setLevel(logging.WARNING)

Scores = npt.NDArray[np.float32]


class Lexical:
    """An index over documents, each a list of tokens. Does not change once it is made."""

    def __init__(self, documents: Sequence[Sequence[str]], *, k1: float = 1.2, b: float = 0.6) -> None:
        self._count = len(documents)
        self._index = bm25s.BM25(k1=k1, b=b)
        self._vocabulary: dict[str, int] = {}
        if any(documents):
            ids = [[self._vocabulary.setdefault(t, len(self._vocabulary)) for t in d] for d in documents]
            self._index.index((ids, self._vocabulary), show_progress=False)
            frequencies = np.diff(self._index.scores["indptr"])
            self._weights = np.log1p((self._count - frequencies + 0.5) / (frequencies + 0.5)).astype(np.float32)
        self._rare = float(np.log1p((self._count + 0.5) / 0.5))

    def scores(self, tokens: Sequence[str]) -> Scores:
        """The score of every document, 0…about 1: 1 would be a short document that holds every token."""
        known = [t for t in dict.fromkeys(tokens) if t in self._vocabulary]
        if not known:
            return np.zeros(self._count, dtype=np.float32)
        found = self._index.get_scores(known)
        return np.asarray(found / self.weight(tokens), dtype=np.float32)

    def weight(self, tokens: Sequence[str]) -> float:
        """What the tokens say together: the rarer the more; one that no document holds says most."""
        return sum(self.weight_of(token) for token in dict.fromkeys(tokens)) or 1.0

    def weight_of(self, token: str) -> float:
        """What one token says."""
        number = self._vocabulary.get(token)
        return self._rare if number is None else float(self._weights[number])
