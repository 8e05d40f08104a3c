"""Entries in sheets, CSV and XLSX: a row for each, the headings those of `columns.yml`."""

from collections.abc import Iterable, Iterator

from core.sheets import BadSheet, quoted, read_sheet, unquoted
from knowledge.content import Entry
from knowledge.files.fields import NEEDED, fields_by_heading, headings, take, written
from knowledge.files.taken import Taken

LONGEST_CELL = 32_767
"""Characters that a cell of an XLSX file holds (ECMA-376; Excel's limits)."""


def read(raw: bytes) -> Taken:
    """The entries of a CSV or XLSX file; headings that are not known are passed over. Raises BadSheet."""
    taken, known, shown = Taken(), fields_by_heading(), headings()
    rows = read_sheet(raw, longest_cell=LONGEST_CELL)
    there = {heading for row in rows for heading in row.cells}
    if rows and (missing := [shown[name] for name in NEEDED if name not in {known.get(each) for each in there}]):
        raise BadSheet(f"file: nothing under {'、'.join(missing)}; the columns are {'、'.join(shown.values())}")
    for row in rows:
        taken.passed_over |= row.cells.keys() - known.keys()
        texts = {known[heading]: unquoted(cell) for heading, cell in row.cells.items() if heading in known}
        take(taken, row.line, texts)
    return taken


def rows_of(entries: Iterable[Entry]) -> Iterator[list[str]]:
    """The row of each entry. Raises BadSheet for a text that no cell holds."""
    shown = headings()
    for entry in entries:
        texts = {"id": entry.id, **written(entry.content)}
        for name, text in texts.items():
            if len(text) >= LONGEST_CELL:
                raise BadSheet(f"{entry.id}, {shown[name]}: longer than a cell can be; export it as jsonl or md")
        yield [quoted(texts.get(name, "")) for name in shown]
