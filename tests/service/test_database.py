"""What the database promises to those who write."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime

import pytest
from sqlalchemy import Connection, func, insert, select

from core.database import Database
from hotline import schema
from hotline.heartbeat import beat, heartbeats, last
from tests.conftest import VAULT
from tests.fakes import SetClock

pytestmark = pytest.mark.service


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(heartbeats)).scalar_one()


async def test_a_write_that_fails_undoes_itself_and_not_its_neighbours(database: Database, clock: SetClock) -> None:
    def good(name: str) -> "asyncio.Future[None]":
        return asyncio.ensure_future(database.write(lambda c: beat(c, name, clock())))

    def bad(connection: Connection) -> None:
        beat(connection, "bad", clock())
        raise RuntimeError("no")

    results = await asyncio.gather(
        *[good(f"n{i}") for i in range(20)],
        database.write(bad),
        *[good(f"m{i}") for i in range(20)],
        return_exceptions=True,
    )

    assert [str(r) for r in results if r is not None] == ["no"]
    assert await database.read(count) == 40


def test_two_processes_that_wait_for_each_other_both_get_through(
    postgresql_url: Callable[[], str], clock: SetClock
) -> None:
    one, other = (Database(url, VAULT) for url in [postgresql_url()] * 2)
    schema.upgrade(one)
    for name in ("a", "b"):
        one.write_now(lambda c, name=name: beat(c, name, clock()))  # type: ignore[misc]
    both_hold_one = threading.Barrier(2)

    def hold(first: str, second: str) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            beat(connection, first, clock())
            with suppress(threading.BrokenBarrierError):
                both_hold_one.wait(2)
            beat(connection, second, clock())

        return work

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(one.write_now, hold("a", "b")), pool.submit(other.write_now, hold("b", "a"))]
        assert [future.result(20) for future in done] == [None, None]

    one.close()
    other.close()


async def test_what_is_handed_in_after_the_end_is_refused_and_does_not_wait_for_ever(
    database: Database, clock: SetClock
) -> None:
    database.close()
    with pytest.raises(RuntimeError, match="closed"):
        await asyncio.wait_for(database.write(lambda c: beat(c, "late", clock())), 5)


async def test_a_time_comes_back_as_it_went_in(database: Database, clock: SetClock) -> None:
    await database.write(lambda c: beat(c, "worker", clock()))
    assert await database.read(lambda c: last(c, "worker")) == clock()


async def test_a_time_without_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="without zone"):
        await database.write(lambda c: c.execute(insert(heartbeats).values(name="x", at=datetime(2026, 1, 1))))


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    schema.upgrade(database)
    assert database.read_now(schema.current) == schema.head()


def test_the_schema_can_be_taken_down_and_put_up_again(database: Database) -> None:
    from alembic import command

    def down(connection: Connection) -> None:
        config = schema._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    database.write_now(down)
    schema.upgrade(database)
    assert database.read_now(count) == 0


def test_the_migrations_make_exactly_the_tables_the_code_knows(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import hotline.app
    import hotline.worker  # noqa: F401 - the two bring in every room's tables
    from core.database import metadata

    differences = database.read_now(lambda c: compare_metadata(MigrationContext.configure(c), metadata))
    assert differences == []
