"""The kinds of files that entries are exchanged in, by their endings."""

import io
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path

from core.sheets import LARGEST_FILE, BadSheet, decoded, write_csv, write_xlsx
from knowledge.content import Entry
from knowledge.files import markdown, sheets
from knowledge.files.fields import headings
from knowledge.files.records import json_lines, read_json_lines
from knowledge.files.taken import Taken


class Kind(StrEnum):
    """A kind of file; the value is its ending."""

    CSV = "csv"
    XLSX = "xlsx"
    MARKDOWN = "md"
    JSON_LINES = "jsonl"


MEDIA_TYPES = {
    Kind.CSV: "text/csv",
    Kind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Kind.MARKDOWN: "text/markdown",
    Kind.JSON_LINES: "application/jsonl",
}


def read(raw: bytes, kind: Kind) -> Taken:
    """The entries of a file. Raises BadSheet for one that cannot be read at all."""
    if len(raw) > LARGEST_FILE:
        raise BadSheet(f"file: {len(raw):,} bytes; at most {LARGEST_FILE:,} are read")
    if kind in (Kind.CSV, Kind.XLSX):
        return sheets.read(raw)
    text = decoded(raw)
    return markdown.read(text) if kind is Kind.MARKDOWN else read_json_lines(io.StringIO(text))


def write(path: Path, kind: Kind, entries: Iterable[Entry]) -> None:
    """Write a file that `read` takes. Raises BadSheet where a sheet cannot hold an entry."""
    _WRITERS[kind](path, entries)


def _write_csv(path: Path, entries: Iterable[Entry]) -> None:
    write_csv(path, list(headings().values()), sheets.rows_of(entries))


def _write_xlsx(path: Path, entries: Iterable[Entry]) -> None:
    write_xlsx(path, list(headings().values()), sheets.rows_of(entries))


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)


_WRITERS: dict[Kind, Callable[[Path, Iterable[Entry]], None]] = {
    Kind.CSV: _write_csv,
    Kind.XLSX: _write_xlsx,
    Kind.MARKDOWN: lambda path, entries: _write_lines(path, markdown.written_out(entries)),
    Kind.JSON_LINES: lambda path, entries: _write_lines(path, json_lines(entries)),
}
