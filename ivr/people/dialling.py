"""What the seats need of a carrier: to ring a telephone, to bring a waiting call elsewhere, to end a call."""

from collections.abc import Callable
from typing import Protocol

from ivr.carriers.base import NotDone

__all__ = ["Dialler", "Diallers", "NotDone"]


class Dialler(Protocol):
    """The part of `ivr.carriers.base.Dialler` that seats use. Every method raises `NotDone`."""

    async def call(self, to: str, flow_url: str, seconds: int = 30) -> str:
        """Ring a telephone; who answers goes on with the script at a public address. Returns the call's id."""

    async def redirect(self, call_sid: str, url: str) -> None:
        """Let a call that is running go on with what `url` says."""

    async def hang_up(self, call_sid: str) -> None:
        """End a call; one that has ended already is no error."""


Diallers = Callable[[str], Dialler]
"""The way out of a carrier, by its name."""
