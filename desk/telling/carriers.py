"""The ways out: how a parcel leaves the house. Nothing here reads or writes the database."""

import errno
import ipaddress
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver
from standardwebhooks import Webhook as Signature

from core.problems import Problem

TIMEOUT_SECONDS = 5.0
LONGEST_SNIPPET = 120
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What a carrier that sends no free text may tell of the order: its number, category (an id) and state."""

    number: str
    category: str | None
    state: str


@dataclass(frozen=True, slots=True)
class Mail:
    """Where a letter goes, and what stands at its head; `in_reply_to` is the id of the mail it answers."""

    to: str
    subject: str
    in_reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be delivered. `message_id` stays the same at every try, so that a receiver can drop a repeat."""

    id: int
    message_id: str
    attempts: int
    carrier: str
    webhook_id: str | None = None
    url: str | None = None
    payload: dict[str, Any] | None = None
    phone: str | None = None
    openid: str | None = None
    mail: Mail | None = None
    text: str | None = None
    buttons: tuple[str, ...] = ()
    text_id: int | None = None
    order: OrderFacts | None = None
    source: str | None = None
    answer_id: int | None = None


class Undelivered(Exception):
    """A try that failed: `permanent` when another one would not help, `gone` when the receiver wants no more at all.

    `closed`: this way to the receiver is not open now. What is left is another way to them; where there is none it is
    held until they write again, or dead when it is permanent.
    """

    def __init__(self, error: str, *, permanent: bool = False, gone: bool = False, closed: bool = False) -> None:
        super().__init__(error)
        self.error = error
        self.permanent = permanent or gone
        self.gone = gone
        self.closed = closed


class Carrier(Protocol):
    """One way out."""

    most_attempts: int
    """After so many tries a person has to look."""

    async def send(self, parcel: Parcel, now: datetime) -> str | None:
        """Deliver a parcel; returns what the receiver said, where that matters. Raises Undelivered."""

    async def close(self) -> None:
        """Let go of connections."""


class Secrets(Protocol):
    """Tells the signing secret of a webhook, or of a platform."""

    def __call__(self, receiver: str, /) -> str:
        """The secret as receivers are given it: whsec_…"""


class WebhookCarrier:
    """Signed by Standard Webhooks (https://www.standardwebhooks.com): ids, time stamps and HMAC-SHA256."""

    most_attempts = 10

    def __init__(self, secret_of: Secrets, *, private_addresses: bool) -> None:
        self._secret_of = secret_of
        self._private_addresses = private_addresses
        self._post = _Post(None if private_addresses else _PublicResolver())

    async def send(self, parcel: Parcel, now: datetime) -> None:
        """Post the payload."""
        assert parcel.url is not None
        assert parcel.webhook_id is not None
        if not self._private_addresses and not _may_be_public(parcel.url):
            raise Undelivered("its address is not public", permanent=True)
        body, headers = _signed(parcel, self._secret_of(parcel.webhook_id), now)
        await self._post(parcel.url, body, headers, snippet=True)

    async def close(self) -> None:
        """Let go of connections."""
        await self._post.close()


class AnswerCarrier:
    """Answers to the platforms that take them at an address, signed like webhooks; `urls` by platform."""

    most_attempts = 10

    def __init__(self, urls: Mapping[str, str], secret_of: Secrets) -> None:
        self._urls = urls
        self._secret_of = secret_of
        self._post = _Post(None)

    async def send(self, parcel: Parcel, now: datetime) -> str:
        """Post the answer; what the platform says to it may be its receipt."""
        assert parcel.source is not None
        if parcel.source not in self._urls:
            raise Undelivered("its platform has no answer_url", permanent=True)
        body, headers = _signed(parcel, self._secret_of(parcel.source), now)
        return await self._post(self._urls[parcel.source], body, headers, snippet=True, reads=True)

    async def close(self) -> None:
        """Let go of connections."""
        await self._post.close()


class SmsCarrier:
    """An SMS gateway as generic HTTP: a POST of `{"id", "to", "text"}` with a bearer key; 2xx means accepted."""

    most_attempts = 5

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key
        self._post = _Post(None)

    async def send(self, parcel: Parcel, now: datetime) -> None:  # noqa: ARG002 - what every carrier is given
        """Post the text. The gateway's answer may repeat the number, so nothing of it is kept."""
        if parcel.phone is None:
            raise Undelivered("no phone is known", permanent=True)
        body = json.dumps({"id": parcel.message_id, "to": parcel.phone, "text": parcel.text}, ensure_ascii=False)
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": parcel.message_id}
        await self._post(self._url, body, headers, snippet=False)

    async def close(self) -> None:
        """Let go of connections."""
        await self._post.close()


class _Post:
    """A POST that follows no redirect and waits `TIMEOUT_SECONDS` at most.

    Returns the answer where it `reads` one, else nothing; of a refusal it keeps a snippet, where `snippet` allows one.
    """

    def __init__(self, resolver: ThreadedResolver | None) -> None:
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def __call__(
        self, url: str, body: str, headers: dict[str, str], *, snippet: bool, reads: bool = False
    ) -> str:
        sent = {"Content-Type": "application/json", "User-Agent": "Lianxinqiao"} | headers
        try:
            async with self._open().post(url, data=body.encode(), headers=sent, allow_redirects=False) as response:
                if 200 <= response.status < 300:
                    return await response.text("utf-8", "replace") if reads else ""
                said = _readable(await response.content.read(LONGEST_SNIPPET)) if snippet else ""
                raise Undelivered(f"HTTP {response.status} {said}".strip(), gone=response.status == 410)
        except TimeoutError:
            raise Undelivered(f"no answer within {TIMEOUT_SECONDS:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Undelivered(f"{type(error).__name__}: {error}"[:200] if snippet else type(error).__name__) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        # A session belongs to a running loop, so it cannot be made with the carrier.
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            connector = aiohttp.TCPConnector(resolver=self._resolver)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


class _PublicResolver(ThreadedResolver):
    """Refuses names that lead into a private network: whoever registers a webhook must not reach our own machines."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        if not all(is_public(address["host"]) for address in found):
            raise OSError(errno.EACCES, "its address is not public")
        return found


def _signed(parcel: Parcel, secret: str, now: datetime) -> tuple[str, dict[str, str]]:
    """A parcel's payload with the headers of Standard Webhooks."""
    body = json.dumps(parcel.payload, ensure_ascii=False, separators=(",", ":"))
    return body, {
        "webhook-id": parcel.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signature(secret).sign(parcel.message_id, now, body),
    }


def _readable(answer: bytes) -> str:
    """The beginning of an answer without what no database and no page can show."""
    return "".join(character for character in answer.decode("utf-8", "replace") if character.isprintable())


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet, also when it wraps an IPv4 address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.ip_address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def check_url(url: str, *, private_addresses: bool) -> None:
    """Raise Problem 422 for a URL no webhook can have. Names are looked at again whenever something is sent."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Problem(422, "Unprocessable Content", f"url: {url[:80]!r} is no http:// or https:// address", field="url")
    if parts.username or parts.password or parts.fragment:
        raise Problem(422, "Unprocessable Content", "url: must have no user, password or #fragment", field="url")
    if not private_addresses and not _may_be_public(url):
        detail = f"url: {parts.hostname} is not public; HOTLINE_WEBHOOK_PRIVATE_ADDRESSES allows such"
        raise Problem(422, "Unprocessable Content", detail, field="url")


def _may_be_public(url: str) -> bool:
    """Whether a URL's host is a name, or an address that is public."""
    host = urlsplit(url).hostname or ""
    try:
        return is_public(host)
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")
