"""The nearest of many vectors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from knowledge.search.encoder import Vectors

Scores = npt.NDArray[np.float32]


class Nearest(Protocol):
    """Finds how near a question's vector is to every entry."""

    def cosines(self, vector: Vectors) -> tuple[Scores, Scores]:
        """For each entry the cosine of its nearest way of asking, and that of its gist."""
        ...


class InMemory:
    """All vectors in memory, each compared: exact, and within the time asked for up to 100,000 entries."""

    def __init__(self, vectors: Vectors, counts: Sequence[int]) -> None:
        """`counts`: how many rows each entry has, in their order; the last one of each is its gist."""
        ends = np.cumsum(counts, dtype=np.intp)
        is_gist = np.zeros(len(vectors), dtype=bool)
        is_gist[ends - 1] = True
        self._gists, self._phrases = vectors[is_gist], vectors[~is_gist]
        self._first = ends - np.asarray(counts, dtype=np.intp) - np.arange(len(counts))

    def cosines(self, vector: Vectors) -> tuple[Scores, Scores]:
        """See `Nearest`."""
        # Not `@`: its library shares the work with a thread of its own, and waits 10 ms for that on a busy machine.
        phrases, gists = np.vecdot(self._phrases, vector), np.vecdot(self._gists, vector)
        return np.maximum.reduceat(phrases, self._first), gists
