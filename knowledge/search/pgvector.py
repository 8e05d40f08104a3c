"""The nearest of more vectors than memory should hold: a table of PostgreSQL with the extension `vector` (pgvector).

The table stands outside the schema of the migrations, since the extension is not everywhere; all that is in it can be
made again from `knowledge_vectors`. When much is different it is made anew beside the old one: to build its indexes
once takes less time than to keep them through as many changes.
"""

import hashlib
import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Row,
    Select,
    String,
    Table,
    bindparam,
    delete,
    inspect,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from core.database import Database
from knowledge.batches import batches
from knowledge.content import Entry
from knowledge.search.encoder import SIZE, Vectors
from knowledge.search.kept import Kept, Progress
from knowledge.search.nearest import Scores

log = logging.getLogger(__name__)

MOST_NEAR = 400
"""Rows that are asked for of the ways of asking, and of the gists; an index looks no further (at most 1000)."""
MOST_CHANGED = 0.2
"""Share of the entries beyond which the table is made anew."""
LONGEST_QUERY_MS = 2000
MEMORY_TO_BUILD = "1GB"

_TABLE = Table(
    "knowledge_nearest",
    MetaData(),
    Column("entry_id", String(100), nullable=False),
    # Of the entry's texts: an index that was made of others passes the row over.
    Column("digest", String(64), nullable=False),
    Column("is_gist", Boolean, nullable=False),
    # Of the encoder.
    Column("mark", String(16), nullable=False),
    Column("embedding", HALFVEC(SIZE), nullable=False),
)
_NEXT = _TABLE.to_metadata(MetaData(), name="knowledge_nearest_next")
_LOCK = 1234500002
# Error codes of PostgreSQL that the next try will give again: the extension or its file is not there, no right, no
# type halfvec (pgvector before 0.7).
_LACKING = frozenset({"0A000", "58P01", "42501", "42704"})


class Unavailable(Exception):
    """PostgreSQL could not do it. The text says why."""


class Missing(Unavailable):
    """Nor will it until somebody has seen to it."""


class PgVector:
    """See `Nearest`. Entries that are not among the nearest have 0; so have all when PostgreSQL does not answer."""

    def __init__(self, database: Database, mark: str, entries: Sequence[Entry]) -> None:
        """The rows are those that `follow` has sent of the encoder of that mark."""
        self._database = database
        self._mark = mark
        self._places = {(entry.id, _digest(entry)): place for place, entry in enumerate(entries)}

    def cosines(self, vector: Vectors) -> tuple[Scores, Scores]:
        """See `Nearest`. Waits for the database: not for the event loop."""
        asked, gist = (np.zeros(len(self._places), dtype=np.float32) for _ in range(2))
        try:
            rows = self._database.read_now(lambda c: _near(c, vector, self._mark))
        except SQLAlchemyError as error:
            log.warning("knowledge: searched without vectors", extra={"error": _reason(error)})
            return asked, gist
        for row in rows:
            # None: the entry has changed since this index was made, or since the table was.
            if (place := self._places.get((row.entry_id, row.digest))) is not None:
                scores = gist if row.is_gist else asked
                scores[place] = max(scores[place], row.cosine)
        return asked, gist


def follow(database: Database, kept: Kept, entries: Sequence[Entry], progress: Progress | None = None) -> PgVector:
    """Bring the table in step with the entries, and return it. Raises Missing, Unavailable.

    `progress` is told of the vectors that are made or sent.
    """
    if database.engine.dialect.name != "postgresql":
        raise Missing("PostgreSQL with the extension vector; the database is SQLite")
    with _changing(database) as connection:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
        new = _new(entries, _known(connection, kept.mark))
    # To make vectors may take an hour; no transaction is open meanwhile.
    for _ in kept.of_entries(new, progress):
        pass
    with _changing(database) as connection:
        known = _known(connection, kept.mark)
        new = _new(entries, known)
        if len(new) > MOST_CHANGED * len(entries):
            _make_anew(connection, kept, entries)
        else:
            _change(connection, kept, new, known.keys() - {entry.id for entry in entries})
    return PgVector(database, kept.mark, entries)


@contextmanager
def _changing(database: Database) -> Iterator[Connection]:
    """A transaction of the one process that changes the table; the others go on reading it."""
    try:
        with database.engine.connect() as connection:
            connection.detach()  # Not one of the few connections that questions and orders wait for.
            with connection.begin():
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
                yield connection
    except (SQLAlchemyError, psycopg.Error) as error:
        state = getattr(getattr(error, "orig", error), "sqlstate", None)
        raise (Missing if state in _LACKING else Unavailable)(_reason(error)) from error


def _known(connection: Connection, mark: str) -> dict[str, str]:
    """The digest of each entry in the table; every entry has one gist."""
    if not inspect(connection).has_table(_TABLE.name):
        return {}
    listed = select(_TABLE.c.entry_id, _TABLE.c.digest).where(_TABLE.c.is_gist, _TABLE.c.mark == mark)
    return {row.entry_id: row.digest for row in connection.execute(listed)}


def _new(entries: Sequence[Entry], known: dict[str, str]) -> list[Entry]:
    return [entry for entry in entries if known.get(entry.id) != _digest(entry)]


def _make_anew(connection: Connection, kept: Kept, entries: Sequence[Entry]) -> None:
    connection.execute(CreateTable(_NEXT))
    _send(connection, _NEXT, kept, entries)
    near = f"CREATE INDEX ON {_NEXT} USING hnsw (embedding halfvec_cosine_ops) WHERE"
    for statement in (
        f"SET LOCAL maintenance_work_mem = '{MEMORY_TO_BUILD}'",
        # Workers would build it in /dev/shm, which is 64 MB in a container.
        "SET LOCAL max_parallel_maintenance_workers = 0",
        f"{near} is_gist",
        f"{near} NOT is_gist",
        f"CREATE INDEX ON {_NEXT} (entry_id)",
        f"ANALYZE {_NEXT}",
        f"DROP TABLE IF EXISTS {_TABLE}",
        f"ALTER TABLE {_NEXT} RENAME TO {_TABLE}",
    ):
        connection.execute(text(statement))


def _change(connection: Connection, kept: Kept, new: Sequence[Entry], gone: Collection[str]) -> None:
    for batch in batches([*gone, *(entry.id for entry in new)]):
        connection.execute(delete(_TABLE).where(_TABLE.c.entry_id.in_(batch)))
    if new:
        _send(connection, _TABLE, kept, new)


def _send(connection: Connection, table: Table, kept: Kept, entries: Sequence[Entry]) -> None:
    driver: Any = connection.connection.dbapi_connection
    register_vector(driver)
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["varchar", "varchar", "bool", "varchar", "halfvec"])
        for entry, rows in kept.of_entries(entries):
            last = len(rows) - 1
            for place, row in enumerate(rows):
                copy.write_row((entry.id, _digest(entry), place == last, kept.mark, HalfVector(row)))


def _nearest_of(which: ColumnElement[bool]) -> Select[Any]:
    distance = _TABLE.c.embedding.cosine_distance(bindparam("vector", type_=HALFVEC(SIZE)))
    shown = (_TABLE.c.entry_id, _TABLE.c.digest, _TABLE.c.is_gist, (1 - distance).label("cosine"))
    # The number stands in the statement: PostgreSQL may plan without looking at parameters.
    most: ColumnElement[int] = literal_column(str(MOST_NEAR))
    return select(*shown).where(_TABLE.c.mark == bindparam("mark"), which).order_by(distance).limit(most)


_NEAREST = union_all(_nearest_of(_TABLE.c.is_gist), _nearest_of(~_TABLE.c.is_gist))


def _near(connection: Connection, vector: Vectors, mark: str) -> Sequence[Row[Any]]:
    for name, value in (("hnsw.ef_search", MOST_NEAR), ("statement_timeout", LONGEST_QUERY_MS)):
        connection.execute(text(f"SET LOCAL {name} = {value}"))
    return connection.execute(_NEAREST, {"vector": vector, "mark": mark}).all()


def _digest(entry: Entry) -> str:
    """The same for the same texts."""
    return hashlib.sha256("\n".join(entry.content.meant).encode()).hexdigest()


def _reason(error: BaseException) -> str:
    """What PostgreSQL says, without the statement and its values."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]
