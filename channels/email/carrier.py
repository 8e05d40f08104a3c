"""Letters out by SMTP (RFC 5321). They say of themselves that a machine wrote them (RFC 3834)."""

import asyncio
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import aiosmtplib

from desk.telling.carriers import Parcel, Undelivered

TIMEOUT_SECONDS = 15.0
"""For the whole conversation with the server: less than a delivery's lease."""


class MailCarrier:
    """Sends by `smtps://user@host`, or `smtp://user@host` with STARTTLS where the server offers it."""

    most_attempts = 8

    def __init__(self, url: str, password: str, sender: str) -> None:
        parts = urlsplit(url)
        self._server = {
            "hostname": parts.hostname,
            "port": parts.port,
            "username": unquote(parts.username) if parts.username else None,
            "password": password if parts.username else None,
            "use_tls": parts.scheme == "smtps",
        }
        self._sender = sender

    async def send(self, parcel: Parcel, now: datetime) -> None:
        """Send the letter. What the server says may repeat the address, so only its code is kept."""
        if parcel.mail is None:
            raise Undelivered("no address is known", permanent=True)
        letter = self._letter(parcel, now)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await aiosmtplib.send(letter, **self._server)  # type: ignore[arg-type]
        except TimeoutError:
            raise Undelivered(f"no answer within {TIMEOUT_SECONDS:g} s") from None
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _refused(refused.recipients[0].code) from None
        except aiosmtplib.SMTPAuthenticationError as error:
            raise Undelivered(f"SMTP {error.code}: the server knows neither user nor password") from None
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Undelivered(type(error).__name__) from None

    async def close(self) -> None:
        """Each letter has a connection of its own."""

    def _letter(self, parcel: Parcel, now: datetime) -> EmailMessage:
        assert parcel.mail is not None
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = self._sender, parcel.mail.to, parcel.mail.subject
        letter["Date"] = format_datetime(now)
        letter["Message-ID"] = f"<{parcel.message_id}@{self._sender.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-replied" if parcel.mail.in_reply_to else "auto-generated"
        letter["X-Auto-Response-Suppress"] = "All"
        if parcel.mail.in_reply_to:
            letter["In-Reply-To"] = letter["References"] = parcel.mail.in_reply_to
        letter.set_content(parcel.text or "")
        return letter


def _refused(code: int) -> Undelivered:
    """5xx is the server's last word (RFC 5321, 4.2.1)."""
    return Undelivered(f"SMTP {code}", permanent=500 <= code < 600)
