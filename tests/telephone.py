"""What a tests' telephone can do, whichever carrier it is connected through: one scenario is driven over all of them.

    await caller.start()
    await caller.say("楼下夜市太吵了")
    await caller.press("13907241234#")

Every action returns what is heard next, one sentence a line, and raises AssertionError for what the carrier or a
telephone refuses: speaking while nobody listens, keys that would be lost, a document the carrier would not play.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Protocol


class Doing(StrEnum):
    """What the call is in the middle of."""

    NOTHING = "nothing"
    """It was not started."""
    LISTENING = "listening"
    """Speech or keys are waited for."""
    RECORDING = "recording"
    """A message can be spoken."""
    QUEUED = "queued"
    """Waiting for a person; a waiting script plays."""
    RINGING = "ringing"
    """Another telephone rings."""
    CONFERRING = "conferring"
    """In a conference room."""
    OVER = "over"


class Posted(Protocol):
    """What `post` brings back."""

    @property
    def status_code(self) -> int: ...

    @property
    def text(self) -> str: ...


Post = Callable[[str, dict[str, str], dict[str, str]], Awaitable[Posted]]
"""Sends a form (`post(url, form, headers)`)."""
PostText = Callable[[str, str, dict[str, str]], Awaitable[Posted]]
"""Sends a text (`post(url, body, headers)`)."""


class Telephone(Protocol):
    """One call."""

    call_sid: str
    number: str
    heard: list[str]
    """Every sentence so far."""
    documents: list[str]
    """Every document the carrier was answered with."""
    whispered: list[str]
    """What those heard who took the call, before they were connected."""
    doing: Doing
    position: int
    """The place in the queue; 1 is next."""

    @property
    def ended(self) -> bool:
        """Whether the call is over."""

    async def start(self) -> str:
        """Dial the number."""

    async def press(self, keys: str) -> str:
        """Press keys, all of which must be taken; the pause after them is waited for."""

    async def say(self, text: str, confidence: float | None = 0.9) -> str:
        """Speak; the recogniser understands `text`."""

    async def silence(self) -> str:
        """Say and press nothing until the time is up."""

    async def leave_message(self, seconds: int = 12) -> str:
        """Speak so long after the beep, and press #; 0: say nothing."""

    async def wait(self, seconds: int = 30) -> str:
        """Wait so long in the queue; what is played meanwhile is heard."""

    async def talk(self, seconds: int = 60) -> str:
        """Somebody takes the call; the talk ends after so long, and this line goes on."""

    async def nobody(self) -> str:
        """Nobody takes the call."""

    async def taken_elsewhere(self, address: str) -> str:
        """Our side lets the call go on with the script at another address, whatever it was doing."""

    async def hang_up(self) -> None:
        """Put the receiver down; the carrier reports it."""

    async def repeat(self) -> str:
        """The carrier sends its last request again, as when the reply got lost; return the reply's document."""
