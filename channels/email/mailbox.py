"""Fetching letters by IMAP (RFC 3501). A letter is marked as seen only after it was taken in."""

import logging
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from imap_tools import AND, MailBox, MailBoxUnencrypted, MailMessageFlags

from channels.email.letter import Letter, head_only, read_letter, texts
from core.settings import Settings

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30.0
MOST_AT_ONCE = 100
LARGEST = 25 * 1024 * 1024
"""Bytes of a mail that is fetched whole; of a larger one the head is."""

Take = Callable[[Letter], object]


class Mailbox:
    """A folder, `imaps://user@host/INBOX`. It is the hotline's alone: what people open there counts as seen."""

    def __init__(self, url: str, password: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls = parts.scheme == "imaps"
        self._user = unquote(parts.username or "")
        self._password = password
        self._folder = unquote(parts.path.strip("/")) or "INBOX"

    @classmethod
    def of(cls, settings: Settings) -> "Mailbox | None":
        """The mailbox that is set up, if any."""
        return cls(settings.imap_url, settings.imap_password.get_secret_value()) if settings.imap_url else None

    def read(self, take: Take) -> int:
        """Hand each unseen letter to `take`, then mark it as seen; returns how many there were.

        One that `take` cannot take stays unseen and stops no other. Blocks; raises as imap_tools and sockets do.
        """
        taken = 0
        with self._open() as box:
            for uid in box.uids("UNSEEN")[:MOST_AT_ONCE]:
                letter = self._fetch(box, uid)
                try:
                    take(letter)
                except Exception:
                    log.exception("a letter was not taken in")
                    continue
                flags = [MailMessageFlags.SEEN] + ([] if letter.whole else [MailMessageFlags.FLAGGED])
                box.flag(uid, flags, True)
                taken += 1
        return taken

    def _open(self) -> MailBox | MailBoxUnencrypted:
        if self._tls:
            box: MailBox | MailBoxUnencrypted = MailBox(self._host, port=self._port or 993, timeout=TIMEOUT_SECONDS)
        else:
            box = MailBoxUnencrypted(self._host, port=self._port or 143, timeout=TIMEOUT_SECONDS)
        box.login(self._user, self._password, self._folder)
        return box

    def _fetch(self, box: MailBox | MailBoxUnencrypted, uid: str) -> Letter:
        [head] = box.fetch(AND(uid=uid), headers_only=True, mark_seen=False)
        if head.size_rfc822 > LARGEST:
            return head_only(head.obj, texts()["too_large"])
        [whole] = box.fetch(AND(uid=uid), mark_seen=False)
        try:
            return read_letter(whole.obj)
        except Exception as error:
            # Whatever a mail is made of, its sender is answered and a person looks.
            log.error("a letter cannot be read", extra={"error": type(error).__name__})
            return head_only(head.obj, texts()["unreadable"])
