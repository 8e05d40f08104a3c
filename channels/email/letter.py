"""A letter as it came by mail, and what it says in our shape. Pure."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr
from functools import cache
from typing import Any

from inscriptis import get_text
from mailparser_reply import EmailReplyParser

from core.wording import Wording
from desk.orders.model import is_email

_GB = frozenset({"gb2312", "gbk", "gb_2312-80", "gb2312-80", "x-gbk", "cp936"})
"""Charsets that GB 18030 contains; letters name the smaller and use the larger."""
_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_RESULT = re.compile(r"\b(spf|dkim|dmarc)=([a-z]+)", re.IGNORECASE)
_LONGEST_READ = 20_000
"""Characters the library is given: its expressions take long over long texts, and nobody quotes after so many words."""
_TEXTS = Wording(__file__)
_REPLIES = EmailReplyParser(languages=["zh", "en"])


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with a letter."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says.

    `id` is its Message-ID, or a hash of it where it has none; `sender` is None where no answer can be sent to.
    `references` are the ids of the mails it answers. `automatic`: a machine wrote it (RFC 3834), or it goes to a list.
    `authentication` is what our own mail server found of SPF, DKIM and DMARC (RFC 8601). `whole` is False when there is
    more to be seen in the mailbox than here.
    """

    id: str
    sender: str | None
    name: str
    subject: str
    text: str
    references: tuple[str, ...]
    automatic: bool
    authentication: str
    attachments: tuple[Attached, ...] = ()
    whole: bool = True

    @property
    def own_words(self) -> str:
        """The text without what it quotes and without a signature; all of it where nothing else would be left."""
        lines = self.text.splitlines()
        for index, line in enumerate(lines):
            if any(mark.fullmatch(line) for mark in _marks()):
                lines = lines[:index]
                break
        found = "\n".join(lines)
        if len(found) <= _LONGEST_READ:
            found = _REPLIES.parse_reply(found) or ""
        return found.strip() or self.text


def read_letter(message: Message) -> Letter:
    """The letter in a mail."""
    parts = list(_parts(message))
    plain = [_text(part) for part in parts if _is_text(part, "text/plain")]
    html = [get_text(_text(part)) for part in parts if _is_text(part, "text/html")]
    text = "\n".join(filter(None, map(str.strip, plain))) or "\n".join(filter(None, map(str.strip, html)))
    attached = [part for part in parts if not (_is_text(part, "text/plain") or _is_text(part, "text/html"))]
    return _letter(message, text, tuple(_attached(part) for part in attached))


def head_only(message: Message, text: str) -> Letter:
    """A letter of whose mail only the head can be used; `text` says why."""
    return _letter(message, text, (), whole=False)


def texts() -> dict[str, Any]:
    """The content of `texts.yml`."""
    return _TEXTS.all


def _letter(message: Message, text: str, attachments: tuple[Attached, ...], whole: bool = True) -> Letter:
    name, address = parseaddr(_header(message, "From"))
    subject = " ".join(_header(message, "Subject").split())
    ids = _ID.findall(_header(message, "Message-ID"))
    references = _ID.findall(f"{_header(message, 'In-Reply-To')} {_header(message, 'References')}")
    found = _RESULT.findall(_header(message, "Authentication-Results"))
    return Letter(
        id=ids[0] if ids else hashlib.sha256(message.as_string().encode("utf-8", "replace")).hexdigest(),
        sender=address.lower() if is_email(address) else None,
        name=" ".join(_clean(name).split()),
        subject=_clean(subject),
        text=_clean(text).strip(),
        references=tuple(dict.fromkeys(references)),
        automatic=_is_automatic(message, subject),
        authentication=" ".join(f"{method.lower()}={result.lower()}" for method, result in found) or "none",
        attachments=attachments,
        whole=whole,
    )


def _is_automatic(message: Message, subject: str) -> bool:
    """Whether a machine wrote it, or a list passed it on: then nobody waits for an answer, and an answer could loop."""
    said = {name: _header(message, name).strip().lower() for name in ("Auto-Submitted", "Precedence", "Return-Path")}
    return (
        said["Auto-Submitted"] not in ("", "no")
        or said["Precedence"] in ("bulk", "junk", "list", "auto_reply")
        or said["Return-Path"] == "<>"
        or "List-Id" in message
        or message.get_content_type() == "multipart/report"
        or subject.lower().startswith(tuple(texts()["automatic"]))
    )


def _parts(message: Message) -> Iterator[Message]:
    """The leaves of a mail; a mail that hangs on it is a leaf."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _parts(part)
    else:
        yield message


def _is_text(part: Message, kind: str) -> bool:
    return (
        part.get_content_type() == kind
        and part.get_filename() is None
        and part.get_content_disposition() != "attachment"
    )


def _attached(part: Message) -> Attached:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else part.as_bytes()
    return Attached(_decoded_words(part.get_filename() or ""), part.get_content_type(), content)


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return _decoded(payload if isinstance(payload, bytes) else b"", part.get_content_charset())


def _header(message: Message, name: str) -> str:
    """The first header of a name, decoded; an empty text where there is none."""
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return _decoded_words(str(raw))


def _decoded_words(raw: str) -> str:
    if any("\udc80" <= character <= "\udcff" for character in raw):
        return _decoded(raw.encode("utf-8", "surrogateescape"), None)
    try:
        return "".join(
            part if isinstance(part, str) else _decoded(part, charset) for part, charset in decode_header(raw)
        )
    except (HeaderParseError, ValueError):
        return raw


def _decoded(raw: bytes, charset: str | None) -> str:
    """Bytes as text, by the charset they name where it fits, else by those that are used without being named."""
    named = "gb18030" if (charset or "").lower() in _GB else charset
    for candidate in (named, "utf-8", "gb18030"):
        try:
            if candidate:
                return raw.decode(candidate)
        except (UnicodeDecodeError, LookupError):
            continue
    return raw.decode("gb18030", "replace")


def _clean(text: str) -> str:
    # PostgreSQL keeps no NUL, and a lone surrogate is no text.
    return text.replace("\0", "").encode("utf-8", "replace").decode().replace("\r\n", "\n")


@cache
def _marks() -> tuple[re.Pattern[str], ...]:
    found = texts()
    return tuple(re.compile(mark, re.IGNORECASE) for mark in (*found["quoted"], *found["signature"]))
