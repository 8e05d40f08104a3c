"""The vectors of texts, each made once and kept in the database."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
from sqlalchemy import Connection, insert, select

from core.database import Database
from knowledge.batches import batches
from knowledge.content import Entry
from knowledge.search.encoder import Encoder, Vectors
from knowledge.tables import vectors

Progress = Callable[[int, int], None]
"""Told how many texts have their vectors, of how many."""


class Kept:
    """Vectors of one encoder. Its functions wait for the database: not for the event loop."""

    def __init__(self, database: Database, encoder: Encoder) -> None:
        self._database = database
        self._encoder = encoder
        self.mark = encoder.mark

    def rows(self, texts: Sequence[str]) -> Vectors:
        """A row for each text: from the database where it was encoded before."""
        keys = [hashlib.sha256(f"{self.mark}:{text}".encode()).hexdigest() for text in texts]
        known = self._database.read_now(lambda c: _kept(c, keys))
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            made = self._encoder.encode(list(new.values())).astype(np.float16)
            fresh = dict(zip(new, made, strict=True))
            rows = [{"digest": key, "vector": row.tobytes()} for key, row in fresh.items()]
            self._database.write_now(lambda c: _keep(c, rows))
            known |= fresh
        return np.stack([known[key] for key in keys]).astype(np.float32)

    def of_entries(self, entries: Sequence[Entry], progress: Progress | None = None) -> Iterator[tuple[Entry, Vectors]]:
        """Each entry with a row for each text it is meant by. `progress` is told after every handful."""
        total, done = sum(len(entry.content.meant) for entry in entries), 0
        for some in batches(entries):
            made = self.rows(list(chain.from_iterable(entry.content.meant for entry in some)))
            done += len(made)
            for entry in some:
                count = len(entry.content.meant)
                yield entry, made[:count]
                made = made[count:]
            if progress is not None:
                progress(done, total)


def _kept(connection: Connection, keys: Sequence[str]) -> dict[str, Vectors]:
    found: dict[str, Vectors] = {}
    for batch in batches(list(dict.fromkeys(keys))):
        wanted = select(vectors.c.digest, vectors.c.vector).where(vectors.c.digest.in_(batch))
        found |= {row.digest: np.frombuffer(row.vector, "<f2") for row in connection.execute(wanted)}
    return found


def _keep(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    """Keep vectors; one that another process has kept meanwhile is the same."""
    known = _kept(connection, [str(row["digest"]) for row in rows])
    if new := [row for row in rows if row["digest"] not in known]:
        connection.execute(insert(vectors), new)
