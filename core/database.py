"""The database: SQLAlchemy Core, one set of statements for SQLite and PostgreSQL.

Work is handed over as a plain function of a connection. All writes of a process go through one thread, which commits up
to `GROUP` of them together. On SQLite many connections with a busy time-out give the same throughput with ten times the
worst-case wait; on PostgreSQL transactions that each wait for the day's running number and for the disk come one after
the other anyway. A write must be quick, and must come to the same when it is run a second time.
"""

import asyncio
import json
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pysqlite3.dbapi2 as sqlite3
from sqlalchemy import (
    CheckConstraint,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Text,
    TypeDecorator,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.sealing import Vault

T = TypeVar("T")
Work = Callable[[Connection], T]
_Job = tuple[Work[Any], "Future[Any]"]

GROUP = 64
TRIES = 4
"""How often a write that PostgreSQL ended for a deadlock is tried."""
READERS = 4
POSTGRESQL_CONNECTIONS = 8

# Older versions can corrupt a WAL database that has two connections: https://sqlite.org/wal.html#walresetbug
OLDEST_SAFE_SQLITE = (3, 51, 3)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored in UTC; refuses a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    # Hooks of SQLAlchemy: the value on its way to the database, and back.

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without zone: {value!r}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Sealed(TypeDecorator[Any]):
    """A text that is kept sealed (`core/sealing.py`); every statement through the column seals and opens it.

    A condition on the column finds nothing, since no text is sealed twice alike: search by a hash beside it.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else _vault(dialect).seal(self._written(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self._read(_vault(dialect).open(value))

    def _written(self, value: Any) -> str:
        return str(value)

    def _read(self, text: str) -> Any:
        return text


class SealedJson(Sealed):
    """A document that is kept sealed."""

    cache_ok = True

    def _written(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    def _read(self, text: str) -> Any:
        return json.loads(text)


def vault_of(connection: Connection) -> Vault:
    """The keys of the database a connection belongs to. Raises RuntimeError where it was opened without."""
    return _vault(connection.dialect)


def _vault(dialect: Dialect) -> Vault:
    vault: Vault | None = getattr(dialect, "vault", None)
    if vault is None:
        raise RuntimeError("personal data needs the keys: open the database with core.secrets.open_database")
    return vault


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """The constraint that a column holds one of an enumeration's values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"known_{column}")


class _Backend(Protocol):
    engine: Engine

    def write(self, work: Work[Any]) -> "Future[Any]": ...
    def read(self, work: Work[Any]) -> "Future[Any]": ...
    def migrate(self, work: Work[Any]) -> Any: ...
    def close(self) -> None: ...


class Database:
    """One database, asked from asyncio (`await write/read`) or from plain code (`write_now/read_now`).

    Without a `vault` it can hold everything but personal data.
    """

    def __init__(self, url: str, vault: Vault | None = None) -> None:
        self.url = url
        self._backend: _Backend = _Sqlite(url) if url.startswith("sqlite") else _Postgresql(url)
        # The one thing of ours that a column's type can reach: each engine has a dialect of its own.
        self.engine.dialect.vault = vault  # type: ignore[attr-defined]

    @property
    def engine(self) -> Engine:
        """The engine, for migrations."""
        return self._backend.engine

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return its result once it is committed.

        An exception of `work` undoes only its own statements and is raised here.
        """
        result: T = await asyncio.wrap_future(self._backend.write(work))
        return result

    async def read(self, work: Work[T]) -> T:
        """Run `work`, which must not write, and return its result."""
        result: T = await asyncio.wrap_future(self._backend.read(work))
        return result

    def write_now(self, work: Work[T]) -> T:
        """`write` for code outside asyncio."""
        result: T = self._backend.write(work).result()
        return result

    def read_now(self, work: Work[T]) -> T:
        """`read` for code outside asyncio."""
        result: T = self._backend.read(work).result()
        return result

    def migrate_now(self, work: Work[T]) -> T:
        """`write_now` for changes of the schema; on SQLite no foreign key is checked meanwhile.

        A table is changed there by copying and dropping it, and every row that refers to it would forbid that.
        """
        result: T = self._backend.migrate(work)
        return result

    def close(self) -> None:
        """Finish what was handed in, then let go of all connections."""
        self._backend.close()


class _Sqlite:
    def __init__(self, url: str) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SAFE_SQLITE:
            raise RuntimeError(f"SQLite {sqlite3.sqlite_version} is not safe; need at least 3.51.3 (run `make run`)")
        path = make_url(url).database
        if not path or path == ":memory:":
            raise ValueError(f"database URL {url!r}: SQLite needs a file, because readers and the writer share it")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.engine = create_engine(url, module=sqlite3, connect_args={"check_same_thread": False, "timeout": 20})
        event.listen(self.engine, "connect", _prepare_sqlite)
        event.listen(self.engine, "begin", _begin_immediate)
        self._reading = self.engine.execution_options(reading=True)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
        self._writer = _Writer(self.engine)

    def write(self, work: Work[Any]) -> "Future[Any]":
        return self._writer.hand_in(work)

    def read(self, work: Work[Any]) -> "Future[Any]":
        return self._readers.submit(_run_reading, self._reading, work)

    def migrate(self, work: Work[Any]) -> Any:
        with self.engine.connect() as connection:
            connection.detach()  # Closed at the end: nobody else gets it unchecked.
            # Inside a transaction this would change nothing: https://sqlite.org/pragma.html#pragma_foreign_keys
            connection.connection.execute("PRAGMA foreign_keys=OFF")
            with connection.begin():
                return work(connection)

    def close(self) -> None:
        self._writer.finish()
        self._readers.shutdown()
        self.engine.dispose()


class _Writer:
    """The one thread of a process that writes: it commits what waits, at most `GROUP` jobs, together."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._handing_in = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._write_forever, name="db-write", daemon=True)
        self._thread.start()

    def hand_in(self, work: Work[Any]) -> "Future[Any]":
        """Have `work` done; the future has its result once it is committed. Raises RuntimeError after the end."""
        future: Future[Any] = Future()
        with self._handing_in:
            if self._ended:
                raise RuntimeError("the database is closed: nothing is written any more")
            self._jobs.put((work, future))
        return future

    def finish(self) -> None:
        """Do what was handed in, then end."""
        with self._handing_in:
            self._ended = True
            self._jobs.put(None)
        self._thread.join()

    def _write_forever(self) -> None:
        while (first := self._jobs.get()) is not None:
            group, last = self._gather(first)
            self._commit([job for job in group if job[1].set_running_or_notify_cancel()])
            if last:
                return

    def _gather(self, first: "_Job") -> "tuple[list[_Job], bool]":
        """The jobs that wait now, at most `GROUP`, and whether the end was among them."""
        group = [first]
        with suppress(queue.Empty):
            while len(group) < GROUP:
                job = self._jobs.get_nowait()
                if job is None:
                    return group, True
                group.append(job)
        return group, False

    def _commit(self, group: "list[_Job]", tries: int = TRIES) -> None:
        done: list[tuple[Any, BaseException | None]]
        try:
            with self._engine.begin() as connection:
                done = [_in_savepoint(connection, work) for work, _ in group]
        except Exception as error:
            if tries > 1 and _is_deadlock(error):
                # Alone, so that no job waits with the locks of those before it.
                for job in group:
                    self._commit([job], tries - 1)
                return
            done = [(None, error)] * len(group)
        for (_, future), (result, failure) in zip(group, done, strict=True):
            future.set_exception(failure) if failure else future.set_result(result)


def _in_savepoint(connection: Connection, work: Work[Any]) -> tuple[Any, BaseException | None]:
    """The result of `work`, or why it failed; a failure undoes only its own statements. Raises on a deadlock."""
    try:
        return _saved(connection, work), None
    except IntegrityError:
        # Another process inserted the same key meanwhile: the second run finds its row.
        try:
            return _saved(connection, work), None
        except Exception as error:
            return None, error
    except Exception as error:
        if _is_deadlock(error):
            raise
        return None, error


def _saved(connection: Connection, work: Work[Any]) -> Any:
    connection.exec_driver_sql("SAVEPOINT job")
    try:
        return work(connection)
    except Exception:
        connection.exec_driver_sql("ROLLBACK TO job")
        raise
    finally:
        connection.exec_driver_sql("RELEASE job")


def _is_deadlock(error: BaseException) -> bool:
    """Whether PostgreSQL ended the transaction so that others get through (class 40 of its error codes)."""
    code = getattr(getattr(error, "orig", None), "sqlstate", None)
    return isinstance(code, str) and code.startswith("40")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=20000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _run_reading(engine: Engine, work: Work[Any]) -> Any:
    with engine.connect() as connection:
        return work(connection)


class _Postgresql:
    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, pool_size=POSTGRESQL_CONNECTIONS, max_overflow=0, pool_pre_ping=True)
        self._readers = ThreadPoolExecutor(POSTGRESQL_CONNECTIONS - 1, thread_name_prefix="db-read")
        self._writer = _Writer(self.engine)

    def write(self, work: Work[Any]) -> "Future[Any]":
        return self._writer.hand_in(work)

    def read(self, work: Work[Any]) -> "Future[Any]":
        return self._readers.submit(_run_reading, self.engine, work)

    def migrate(self, work: Work[Any]) -> Any:
        with self.engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        self._writer.finish()
        self._readers.shutdown()
        self.engine.dispose()


def is_reachable(connection: Connection) -> bool:
    """Whether the database answers a trivial question."""
    try:
        return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)
    except DBAPIError:
        return False
