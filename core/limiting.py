"""How often somebody may knock at a door; the rules are `city/limits.yml`.

What is counted stands under a keyed hash: a store outside learns neither addresses nor who writes to us. The windows
run by the machine's clock, which the library `limits` reads itself.
"""

import ipaddress
import logging
import math
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends
from limits import RateLimitItem, parse_many
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string
from pydantic import BaseModel, BeforeValidator, ConfigDict
from starlette.requests import HTTPConnection

from core.city import City
from core.problems import Problem

log = logging.getLogger(__name__)

STORE_TIMEOUT = 0.5
"""Seconds a store outside may take; whoever knocks waits meanwhile."""
_REDIS = {"implementation": "redispy", "socket_timeout": STORE_TIMEOUT, "socket_connect_timeout": STORE_TIMEOUT}
_IPV6_SITE = 64
"""Bits of an IPv6 address that are one subscriber's; the others change at will (RFC 4291, 2.5.4)."""


class Door(StrEnum):
    """The doors that are limited. Those by which messages come in are named like their channels."""

    WEB = "web"
    WECHAT = "wechat"
    OPEN311 = "open311"
    PROGRESS = "progress"
    RATING = "rating"
    PHONE_CHECK = "phone_check"
    SIGN_IN = "sign_in"
    IMPORTS = "imports"
    INBOUND = "inbound"
    KNOWLEDGE = "knowledge"


class By(StrEnum):
    """What is counted at a door."""

    ADDRESS = "address"
    CONVERSATION = "conversation"
    ACCOUNT = "account"
    SOURCE = "source"


Limits = Annotated[list[RateLimitItem], BeforeValidator(parse_many)]


class LimitRules(BaseModel):
    """The doors' part of `city/limits.yml`. Raises pydantic's ValidationError naming what is wrong."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    refusal: str
    doors: dict[Door, dict[By, Limits]]


class Limiter:
    """Counts knocks, and refuses those that are too many.

    `trace` is the keyed hash of what is counted; `proxies` are the addresses of our own proxies.
    """

    def __init__(
        self, rules: LimitRules, trace: Callable[[str], str], url: str, proxies: "Proxies | None" = None
    ) -> None:
        self._rules = rules
        self._trace = trace
        self._proxies = proxies or Proxies("")
        options: dict[str, Any] = {} if url == "memory://" else _REDIS
        storage = storage_from_string(f"async+{url}", wrap_exceptions=True, **options)
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    @classmethod
    def of_city(cls, city: City, trace: Callable[[str], str], url: str, proxies: "Proxies | None" = None) -> "Limiter":
        """The limiter under a city's rules."""
        return cls(LimitRules.model_validate(city.read("limits.yml")), trace, url, proxies)

    async def spend(self, door: Door, who: Mapping[By, str | None]) -> None:
        """Count a knock of somebody. Raises Problem 429 that says when to come again.

        A store that does not answer limits nobody.
        """
        try:
            wait = [await self._wait(door, by, name) for by, name in who.items() if name is not None]
        except StorageError as error:
            log.error("knocks are not counted", extra={"error": type(error.storage_error).__name__})
            return
        if (seconds := max(wait, default=0)) > 0:
            detail = self._rules.refusal.format(seconds=seconds)
            raise Problem(429, "Too Many Requests", detail, retry_after=seconds)

    async def spend_from(self, door: Door, connection: HTTPConnection, also: Mapping[By, str | None]) -> None:
        """`spend` by the address of a request, and by what is known besides."""
        await self.spend(door, {By.ADDRESS: self._proxies.address_of(connection), **also})

    async def _wait(self, door: Door, by: By, name: str) -> int:
        """Seconds until the next knock is allowed: 0 when this one was."""
        trace = self._trace(name)
        for item in self._rules.doors.get(door, {}).get(by, []):
            if not await self._limiter.hit(item, door, by, trace):
                reset = (await self._limiter.get_window_stats(item, door, by, trace)).reset_time
                return max(1, math.ceil(reset - time.time()))
        return 0


class Proxies:
    """The addresses and networks of our own proxies, comma-separated. Raises ValueError for what is neither."""

    def __init__(self, written: str) -> None:
        self._networks = [ipaddress.ip_network(each.strip()) for each in written.split(",") if each.strip()]

    def address_of(self, connection: HTTPConnection) -> str | None:
        """Whose address a request is counted under, or None when that is not known.

        The server has put a trusted proxy's X-Forwarded-For in the place of the proxy's address. Where that was
        missing, the proxy's own is left, and everybody behind it would be one.
        """
        if connection.client is None:
            return None
        try:
            address = ipaddress.ip_address(connection.client.host)
        except ValueError:
            return connection.client.host
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        if any(address in network for network in self._networks):
            return None
        if address.version == 6:
            return str(ipaddress.ip_network((address, _IPV6_SITE), strict=False))
        return str(address)


def limited(door: Door) -> Any:
    """The dependency that counts a request by its address, and by the account of whoever has opened a locked door.

    It stands after `open_to`. The application keeps its limiter at `app.state.limiter`.
    """

    async def count(connection: HTTPConnection) -> None:
        limiter: Limiter = connection.app.state.limiter
        who = getattr(connection.state, "principal", None)
        await limiter.spend_from(door, connection, {By.ACCOUNT: who.name if who else None})

    return Depends(count)
