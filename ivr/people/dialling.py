"""What the seats need of a carrier: to ring a telephone, to bring a waiting call elsewhere, to end a call."""

import logging
from collections.abc import Callable
from typing import Protocol
from uuid import uuid4

log = logging.getLogger(__name__)


class NotDone(Exception):
    """The carrier did not do what it was asked. `permanent`: asking again will not help."""

    def __init__(self, what: str, *, permanent: bool) -> None:
        super().__init__(what)
        self.permanent = permanent


class Dialler(Protocol):
    """A carrier's way out. Every method raises `NotDone` when the carrier refuses or does not answer."""

    async def call(self, to: str, flow_url: str, seconds: int = 30) -> str:
        """Ring a telephone for so many seconds; who answers goes on with the script at a public address.

        Returns the carrier's id of the call.
        """

    async def redirect(self, call_sid: str, url: str) -> None:
        """Let a call that is running go on with what `url` says."""

    async def hang_up(self, call_sid: str) -> None:
        """End a call; one that has ended already is no error."""


Diallers = Callable[[str], Dialler]
"""The way out of a carrier, by its name."""


class DryDialler:
    """Rings nothing: what would be done stands in the log, without the number."""

    async def call(self, to: str, flow_url: str, seconds: int = 30) -> str:
        """An id that no carrier knows."""
        del to
        call_sid = f"dry{uuid4().hex}"
        log.info("would ring a telephone", extra={"call": call_sid, "flow": flow_url, "seconds": seconds})
        return call_sid

    async def redirect(self, call_sid: str, url: str) -> None:
        """Nothing."""
        log.info("would bring a call elsewhere", extra={"call": call_sid, "flow": url})

    async def hang_up(self, call_sid: str) -> None:
        """Nothing."""
        log.info("would end a call", extra={"call": call_sid})


def dry(_: str) -> Dialler:
    """For every carrier the one that rings nothing."""
    return DryDialler()
