"""Entries written as records: JSON lines, and the YAML files of `city/knowledge/`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from knowledge.content import LONGEST_ANSWER, Content

LONGEST_TITLE = 60
_FIELDS = frozenset(Content.model_fields)


@dataclass
class Taken:
    """What a file holds: the entries with their ids, what is wrong line by line, and the fields nobody knows."""

    entries: list[tuple[str, Content]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    passed_over: set[str] = field(default_factory=set)


def read_json_lines(lines: Iterable[str]) -> Taken:
    """Entries of lines `{"id", "question", "answer", …}` with the fields of `Content`.

    An entry without a question is asked for by the beginning of its answer. Fields that are not known are passed over.
    """
    return _taken(_parsed(lines))


def read_yaml(file: Path) -> Taken:
    """Entries of a file of `city/knowledge/`: the file's name stands before each id."""
    listed = yaml.safe_load(file.read_text("utf-8"))["entries"]
    return _taken(
        (f"{file.stem} {n}", {**record, "id": f"{file.stem}-{record['id']}"}) for n, record in enumerate(listed, 1)
    )


def _parsed(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except ValueError as error:
                yield f"line {number}", error


def _taken(records: Iterable[tuple[str, Any]]) -> Taken:
    taken, seen = Taken(), set[str]()
    for where, record in records:
        if not isinstance(record, dict):
            taken.refused.append(f"{where}: no JSON object with id, question and answer")
            continue
        entry_id = str(record.pop("id", "")).strip()
        if not entry_id or len(entry_id) > 100 or any(mark.isspace() for mark in entry_id):
            taken.refused.append(f"{where}: id: {entry_id[:100]!r}; 1 to 100 characters without blanks are needed")
        elif entry_id in seen:
            taken.refused.append(f"{where}: id: {entry_id!r} is there twice")
        else:
            seen.add(entry_id)
            taken.passed_over |= record.keys() - _FIELDS
            try:
                taken.entries.append((entry_id, _content(record)))
            except ValidationError as error:
                found = error.errors()[0]
                shown = ".".join(map(str, found["loc"]))
                taken.refused.append(f"{where}: {shown}: {found['msg']} (got {str(found.get('input'))[:60]!r})")
    return taken


def _content(record: dict[str, Any]) -> Content:
    known = {name: value for name, value in record.items() if name in _FIELDS and value is not None}
    answer = str(known.get("answer", "")).strip()[:LONGEST_ANSWER]
    question = str(known.get("question", "")).strip() or answer[:LONGEST_TITLE]
    return Content.model_validate(known | {"answer": answer, "question": question[:500]})
