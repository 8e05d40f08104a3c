r"""Entries in one Markdown file: `## id question`, then a section for each field. Pure.

A text's own line that begins with `#` or `\` has a backslash before it, as Markdown has it.
"""

import re
from collections.abc import Iterable, Iterator

from knowledge.content import Entry
from knowledge.files.fields import LISTS, columns, fields_by_heading, headings, take, written
from knowledge.files.taken import Taken

_ENTRY = re.compile(r"##\s+(\S+)\s*(.*)")
_SECTION = re.compile(r"###\s+(.*)")
_BULLET = re.compile(r"[-*+]\s+")


def read(text: str) -> Taken:
    """The entries of a file; sections that are not known are passed over."""
    taken, known = Taken(), fields_by_heading()
    begun, texts, section = 0, dict[str, list[str]](), list[str]()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if found := _ENTRY.fullmatch(line):
            _finish(taken, begun, texts)
            section = []
            begun, texts = number, {"id": [found[1]], "question": [found[2]]}
        elif found := _SECTION.fullmatch(line):
            if not begun:
                taken.refuse(number, "", line, columns.of("refusals", "no_heading"))
                return taken
            section = []
            if (name := known.get(found[1].strip())) is None:
                taken.passed_over.add(found[1].strip())
            else:
                texts[name] = section
        else:
            section.append(line.removeprefix("\\"))
    _finish(taken, begun, texts)
    return taken


def written_out(entries: Iterable[Entry]) -> Iterator[str]:
    """The part of the file of each entry."""
    shown = headings()
    for entry in entries:
        texts = written(entry.content)
        yield f"## {entry.id} {texts.pop('question')}\n\n"
        for name, text in texts.items():
            lines = [f"- {line}" if name in LISTS else _escaped(line) for line in text.split("\n")]
            yield f"### {shown[name]}\n\n" + "\n".join(lines) + "\n\n"


def _finish(taken: Taken, begun: int, texts: dict[str, list[str]]) -> None:
    if begun:
        take(taken, begun, {name: "\n".join(_lines(name, lines)) for name, lines in texts.items()})


def _lines(name: str, lines: list[str]) -> list[str]:
    if name not in LISTS:
        return lines
    return [_BULLET.sub("", line, count=1) if _BULLET.match(line) else line for line in lines]


def _escaped(line: str) -> str:
    return f"\\{line}" if line.startswith(("#", "\\")) else line
