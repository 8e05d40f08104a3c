"""Asking a carrier's REST interface: one seam, so that tests put a stand-in there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from ivr.carriers.base import NotDone

LONGEST_SECONDS = 15.0
LARGEST_ANSWER = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the carrier answered."""

    status: int
    body: bytes


class Http(Protocol):
    """The web."""

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        form: Mapping[str, str] | list[tuple[str, str]] | None = None,
        json: Any = None,
    ) -> Answer:
        """The answer to a request; redirections are not followed. Raises NotDone when there is none."""


class RealHttp:
    """The web itself."""

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        form: Mapping[str, str] | list[tuple[str, str]] | None = None,
        json: Any = None,
    ) -> Answer:
        """The answer to a request; redirections are not followed. Raises NotDone when there is none."""
        limit = aiohttp.ClientTimeout(total=LONGEST_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.request(
                    method, url, headers=dict(headers), data=form, json=json, allow_redirects=False
                ) as response,
            ):
                body = await response.content.read(LARGEST_ANSWER)
                return Answer(response.status, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotDone(f"{method} does not get an answer: {type(error).__name__}", permanent=False) from error
