"""Entries written as records: JSON lines, and the YAML files of `city/knowledge/`."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from knowledge.content import LONGEST_ANSWER, Content, Entry
from knowledge.files.taken import Taken, first_fault

LONGEST_TITLE = 60
ID_ALLOWED = "1 to 100 characters without blanks are needed"
ID_TWICE = "it is there twice"
_FIELDS = frozenset(Content.model_fields)


def read_json_lines(lines: Iterable[str]) -> Taken:
    """Entries of lines `{"id", "question", "answer", …}` with the fields of `Content`.

    An entry without a question is asked for by the beginning of its answer. Fields that are not known are passed over.
    """
    return _taken(_parsed(lines))


def read_yaml(file: Path) -> Taken:
    """Entries of a file of `city/knowledge/`: the file's name stands before each id."""
    listed = yaml.safe_load(file.read_text("utf-8"))["entries"]
    numbered = ((n, {**record, "id": f"{file.stem}-{record['id']}"}) for n, record in enumerate(listed, 1))
    return _taken(numbered, file.stem)


def json_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """A line for each entry, as `read_json_lines` takes it."""
    for entry in entries:
        yield json.dumps({"id": entry.id, **entry.content.to_json()}, ensure_ascii=False) + "\n"


def _parsed(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                yield number, error


def _taken(records: Iterable[tuple[int, Any]], place: str = "line") -> Taken:
    taken = Taken()
    for line, record in records:
        if not isinstance(record, dict):
            taken.refuse(line, "", None, "no JSON object with id, question and answer", place)
            continue
        entry_id = str(record.pop("id", "")).strip()
        if not taken.knows_id(entry_id, line, ID_ALLOWED, ID_TWICE, place):
            continue
        taken.passed_over |= record.keys() - _FIELDS
        try:
            taken.add(entry_id, _content(record), line)
        except ValidationError as error:
            taken.refuse(line, *first_fault(error), place=place)
    return taken


def _content(record: dict[str, Any]) -> Content:
    known = {name: value for name, value in record.items() if name in _FIELDS and value is not None}
    answer = str(known.get("answer", "")).strip()[:LONGEST_ANSWER]
    question = str(known.get("question", "")).strip() or answer[:LONGEST_TITLE]
    return Content.model_validate(known | {"answer": answer, "question": question[:500]})
