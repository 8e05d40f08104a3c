"""An answer as text messages, and how they leave the house."""

import re
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from core.wording import Wording
from knowledge.content import Content

say = Wording(__file__, "texting.yml")

LONGEST_TEXT = 70
"""Characters of one text message (docs/notices.md)."""
MOST_TEXTS = 4
_SENTENCES = re.compile(r"[^。！？；\n]+[。！？；\n]*")


class SendText(Protocol):
    """Has a text delivered to a number (E.164), once for each key."""

    def __call__(self, connection: Connection, key: str, phone: str, text: str, now: datetime, /) -> None:
        """In the running transaction."""


def texts_of(content: Content) -> list[str]:
    """What an entry answers with its source, in at most `MOST_TEXTS`; what is left out is said to be."""
    cited = [basis.cited for basis in content.basis]
    source = say("source", source="、".join(cited)) if cited else ""
    first = say("first_source", source=cited[0]) if len(cited) > 1 else source
    documents = say("documents", documents="、".join(content.documents)) if content.documents else ""
    beside = [f"{text.rstrip('。')}。" for text in (content.fee, content.time) if text]
    for named in (source, first):
        if len(parts := _parts("\n".join(filter(None, (content.answer, documents, *beside, named))))) <= MOST_TEXTS:
            return parts
    sentences = _SENTENCES.findall("\n".join(filter(None, (content.short or content.answer, documents))))
    while len(parts := _parts(_cut(sentences, first))) > MOST_TEXTS and sentences:
        last = sentences.pop()
        if not sentences and len(last) > LONGEST_TEXT:
            sentences = [f"{last[:-LONGEST_TEXT]}……"]
    return parts[:MOST_TEXTS]


def _cut(sentences: list[str], source: str) -> str:
    return "\n".join(filter(None, ("".join(sentences).strip(), say("cut"), source)))


def _parts(text: str) -> list[str]:
    """The text in parts that one message takes, each with its number when there are several."""
    if len(text) <= LONGEST_TEXT:
        return [text]
    room, parts = LONGEST_TEXT - len(say("part", number=9, count=9)), [""]
    for sentence in _SENTENCES.findall(text):
        rest = sentence
        while len(parts[-1]) + len(rest.rstrip()) > room:
            # A sentence begins a new message, unless it is longer than any.
            if len(rest.rstrip()) > room:
                fits = max(room - len(parts[-1]), 0)
                parts[-1], rest = parts[-1] + rest[:fits], rest[fits:]
            parts.append("")
        parts[-1] += rest
    told = [part.strip() for part in parts if part.strip()]
    return [say("part", number=number, count=len(told)) + part for number, part in enumerate(told, start=1)]
