"""Sealing all personal data anew under the current key, after the key was changed. Idempotent, in batches."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Connection, RowMapping, Table, Text, or_, select, type_coerce, update

from core.database import Database, Sealed, metadata, vault_of
from desk.orders.register import traced

BATCH = 500


def reseal(database: Database) -> Iterator[int]:
    """Seal every row of every table anew that an older key has sealed; yields how many after each batch."""
    for table in metadata.sorted_tables:
        if sealed := [column for column in table.c if isinstance(column.type, Sealed)]:
            while done := database.write_now(lambda c: _batch(c, table, sealed)):  # noqa: B023 - called at once
                yield done


def _batch(connection: Connection, table: Table, sealed: list[Column[Any]]) -> int:
    mark = vault_of(connection).mark
    stale = or_(*(~type_coerce(column, Text).startswith(mark, autoescape=True) for column in sealed))
    rows = connection.execute(select(table).where(stale).limit(BATCH).with_for_update()).mappings().all()
    for row in rows:
        anew = {column.name: row[column.name] for column in sealed} | _traces(connection, table, row)
        this = [column == row[column.name] for column in table.primary_key]
        connection.execute(update(table).where(*this).values(**anew))
    return len(rows)


def _traces(connection: Connection, table: Table, row: RowMapping) -> dict[str, str | None]:
    """The hashes beside the sealed columns; `info` says of which, and whether of a `plain` text or of a number."""
    return {column.name: _trace(connection, column, row) for column in table.c if "trace_of" in column.info}


def _trace(connection: Connection, column: Column[Any], row: RowMapping) -> str | None:
    value = row[column.info["trace_of"]]
    if value is not None and column.info.get("plain"):
        return vault_of(connection).trace(value)
    return traced(connection, value)
