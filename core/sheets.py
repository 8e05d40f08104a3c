"""Tables on paper's successor: CSV and XLSX files, read within limits and written page by page.

Pure apart from the file that is written. What is read comes from others: every size is bounded before it is used.
"""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from openpyxl import Workbook, load_workbook

ENCODINGS = ("utf-8-sig", "gb18030")
"""A spreadsheet program in Chinese saves CSV in either."""
LARGEST_FILE = 20 * 1024 * 1024
LARGEST_UNPACKED = 128 * 1024 * 1024
"""Of an XLSX, which is a zip file: a small one may unpack to any size."""
MOST_PARTS = 200
MOST_ROWS = 20_000
MOST_COLUMNS = 200
LONGEST_CELL = 20_000
ZIP_MARK = b"PK\x03\x04"
BOM = "\ufeff"
# What a spreadsheet program takes for the beginning of a formula, full-width forms included (OWASP: CSV injection).
_FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


class BadSheet(ValueError):
    """A file that is no table we read; the text names the place, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row below the headings: its line in the file, and its cells by heading; empty cells are left out."""

    line: int
    cells: dict[str, str]


def read_sheet(raw: bytes, longest: int = MOST_ROWS, longest_cell: int = LONGEST_CELL) -> list[Row]:
    """The rows of a CSV file (UTF-8 or GB 18030, with or without BOM) or of an XLSX file's first sheet.

    The first line holds the headings; empty rows are left out. Formulas are not evaluated: a cell has the value its
    program saved. Raises BadSheet.
    """
    if len(raw) > LARGEST_FILE:
        raise BadSheet(f"file: {len(raw):,} bytes; at most {LARGEST_FILE:,} are read")
    lines = _xlsx_lines(raw) if raw.startswith(ZIP_MARK) else _csv_lines(raw)
    headings: list[str] | None = None
    rows: list[Row] = []
    for line, cells in lines:
        if headings is None:
            headings = _headings(cells)
            continue
        found = {heading: cell for heading, cell in zip(headings, cells, strict=False) if heading and cell}
        if not found:
            continue
        if len(rows) == longest:
            raise BadSheet(f"line {line}: more than {longest:,} rows; split the file")
        for heading, cell in found.items():
            if "\x00" in cell:
                raise BadSheet(f"line {line}, {heading}: holds the character NUL; save the file as text")
            if len(cell) > longest_cell:
                raise BadSheet(f"line {line}, {heading}: {len(cell):,} characters; at most {longest_cell:,} in a cell")
        rows.append(Row(line, found))
    if headings is None:
        raise BadSheet("file: empty; the first line has to hold the headings")
    return rows


def decoded(raw: bytes) -> str:
    """The text of a CSV file. Raises BadSheet."""
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadSheet("file: neither UTF-8 nor GB 18030 text, and no XLSX; save it as one of them")


def csv_page(rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV text, with cells that a spreadsheet program would run as formulas defused."""
    page = io.StringIO()
    csv.writer(page, lineterminator="\r\n").writerows([harmless(cell) for cell in row] for row in rows)
    return page.getvalue()


def write_csv(path: Path, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file that spreadsheet programs open as UTF-8."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(BOM + csv_page([headings]))
        file.writelines(csv_page([row]) for row in rows)


def write_xlsx(path: Path, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write an XLSX file row by row; memory does not grow with their number."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in itertools.chain([headings], rows):
        sheet.append([harmless(cell) for cell in row])
    book.save(path)


WRITERS: dict[str, Callable[[Path, Sequence[str], Iterable[Sequence[str]]], None]] = {
    "csv": write_csv,
    "xlsx": write_xlsx,
}
"""How each kind of file is written, by its ending."""


def harmless(cell: str) -> str:
    """A cell's text that no spreadsheet program takes for a formula, and that every file can hold."""
    text = "".join(mark for mark in cell if mark in "\t\n\r" or mark >= " ")
    return f"'{text}" if text.startswith(_FORMULA_MARKS) else text


def quoted(cell: str) -> str:
    """A text to be written whose own first quotation mark `unquoted` leaves alone."""
    return f"'{cell}" if cell.startswith("'") else cell


def unquoted(cell: str) -> str:
    """The text of a cell as it was before `quoted` and `harmless` defused it."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(("'", *_FORMULA_MARKS)) else cell


def _headings(cells: Sequence[str]) -> list[str]:
    headings = list(cells)
    named = [heading for heading in headings if heading]
    twice = {heading for heading in named if named.count(heading) > 1}
    if not named:
        raise BadSheet("line 1: empty; the first line has to hold the headings")
    if twice:
        raise BadSheet(f"line 1: the heading {min(twice)} is there twice")
    return headings


def _csv_lines(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(decoded(raw), newline=""))
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadSheet(f"line {line}: {error}") from error
        if len(cells) > MOST_COLUMNS:
            raise BadSheet(f"line {line}: {len(cells)} columns; at most {MOST_COLUMNS}")
        yield line, [cell.strip() for cell in cells]


def _xlsx_lines(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        with ZipFile(io.BytesIO(raw)) as packed:
            parts = packed.infolist()
        unpacked = sum(part.file_size for part in parts)
        # A part never unpacks to more than it declares: ZipFile stops reading there.
        if unpacked > LARGEST_UNPACKED or len(parts) > MOST_PARTS:
            raise BadSheet(f"file: unpacks to {unpacked:,} bytes; at most {LARGEST_UNPACKED:,} are read")
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        # The declared size of a sheet may be anything; without it the rows that are there count.
        sheet.reset_dimensions()
        for line, cells in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True), start=1):
            yield line, [_as_text(cell) for cell in cells]
        book.close()
    except BadSheet:
        raise
    except (BadZipFile, KeyError, IndexError, ValueError, TypeError, AttributeError, SyntaxError, OSError) as error:
        raise BadSheet("file: looks like XLSX and cannot be read as one; save it again") from error


def _as_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
