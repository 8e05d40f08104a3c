"""Known callers without a server: the same fixtures on SQLite alone."""

import pytest

from core.database import Database


@pytest.fixture
def database(sqlite: Database) -> Database:
    """An empty SQLite database with our schema."""
    return sqlite
