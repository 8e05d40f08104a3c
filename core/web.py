"""Asking other servers over HTTP: one seam, so that tests put a stand-in there."""

from typing import Any, Protocol

import aiohttp

from core.problems import Unavailable

LONGEST_SECONDS = 10.0


class Web(Protocol):
    """What may be asked of a server that answers JSON. Both raise Unavailable when it does not."""

    async def get(self, url: str) -> dict[str, Any]:
        """The document at an address."""

    async def post(self, url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The status and document a form is answered with."""


class RealWeb:
    """The web itself."""

    async def get(self, url: str) -> dict[str, Any]:
        """The document at an address."""
        status, found = await self._ask("GET", url)
        if status != 200:
            raise Unavailable(f"{url} answered {status}")
        return found

    async def post(self, url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The status and document a form is answered with."""
        return await self._ask("POST", url, data=form, headers=headers)

    async def _ask(self, method: str, url: str, **sent: Any) -> tuple[int, dict[str, Any]]:
        limit = aiohttp.ClientTimeout(total=LONGEST_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.request(method, url, allow_redirects=False, **sent) as response,
            ):
                found = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable(f"{url} does not answer: {type(error).__name__}") from error
        if not isinstance(found, dict):
            raise Unavailable(f"{url} did not answer with a JSON object")
        return response.status, found
