"""The nearest of many vectors."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from knowledge.search.encoder import Vectors

Scores = npt.NDArray[np.float32]


class Nearest(Protocol):
    """Finds how near a question's vector is to every entry."""

    def cosines(self, vector: Vectors) -> Scores:
        """For each entry the cosine of its nearest phrase; below every other where it is not near at all."""
        ...


class InMemory:
    """All vectors in memory, each compared: exact, and within the time asked for up to 100,000 entries."""

    def __init__(self, vectors: Vectors, owner: npt.NDArray[np.intp], entries: int) -> None:
        """`owner`: the entry of each row, in their order; `entries`: how many there are, each with a row."""
        self._vectors = vectors
        self._first = np.searchsorted(owner, np.arange(entries))

    def cosines(self, vector: Vectors) -> Scores:
        """See `Nearest`."""
        return np.maximum.reduceat(self._vectors @ vector, self._first)
