"""The doors a carrier asks on calls of the campaign, the same for every carrier; each attempt has its own addresses."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Path, Request, Response

from core.access import Audience, open_to
from core.settings import Settings
from ivr.carriers.base import Addresses, After, Carrier, Message, NotDone
from ivr.carriers.routes import base_of, public_address
from ivr.flow import HangUp, Heard, Keyed, Silence
from ivr.out.endings import told
from ivr.out.flow import OutEvent
from ivr.out.line import OutLine
from ivr.out.scheduler import NotPlaced
from ivr.out.words import OutWords

MOST_STEPS = 10_000
_ATTEMPT = r"[A-Za-z0-9_-]{1,32}"
_PLACED = re.compile(rf"/ivr/\w+/out/({_ATTEMPT})/.*")


class Places(Protocol):
    """What the campaign needs of `ivr.carriers.base.Dialler`."""

    async def call(
        self, to: str, flow_url: str, seconds: int = 30, *, status_url: str | None = None, detect_machine: bool = False
    ) -> str:
        """Ring a number."""


class CarrierDialler:
    """A carrier's dialler as the campaign uses it."""

    def __init__(self, name: str, dialler: Places) -> None:
        self.name = name
        self._dialler = dialler

    async def call(self, to: str, flow_url: str, status_url: str, seconds: int) -> str:
        """Ring a number. Raises NotPlaced where the carrier has refused; after a time-out it may ring all the same."""
        try:
            return await self._dialler.call(to, flow_url, seconds, status_url=status_url, detect_machine=True)
        except NotDone as refused:
            if refused.permanent:
                raise NotPlaced(str(refused), bad_number=refused.bad_number) from refused
            raise


def out_router(carrier: Carrier, line: OutLine, settings: Settings, words: OutWords) -> APIRouter:
    """The doors of one carrier, under `/ivr/<carrier>/out/<attempt>/`."""
    router = APIRouter(
        prefix=f"/ivr/{carrier.name}/out", tags=["phone"], dependencies=[open_to(Audience(carrier.name))]
    )
    hints = hints_of(words)

    async def signed(request: Request) -> Message:
        return await carrier.read(request, public_address(request, settings))

    Signed = Annotated[Message, Depends(signed)]  # noqa: N806
    Attempt = Annotated[str, Path(pattern=f"^{_ATTEMPT}$")]  # noqa: N806

    @router.post("/{attempt}/step/{step}")
    async def step(
        request: Request, message: Signed, attempt: Attempt, step: Annotated[int, Path(ge=0, le=MOST_STEPS)]
    ) -> Response:
        """A call of the campaign was answered (step 0), or what was said or pressed: what is said next."""
        call_sid = carrier.caller(message).call_sid
        if step == 0:
            script = await line.take(attempt, call_sid, told(message).machine)
        else:
            event = carrier.event(message, After.LISTEN, step)
            heard: OutEvent = event if isinstance(event, Heard | Keyed) else Silence()
            script = await line.step(attempt, call_sid, step, heard)
        place = f"{carrier.name}/out/{attempt}"
        addresses = Addresses(base_of(request, settings), place, call_sid, script.next_step, hints=hints)
        return Response(carrier.render(script.instructions, addresses), media_type=carrier.media_type)

    @router.post("/{attempt}/status", status_code=204)
    async def status(request: Request, message: Signed, attempt: Attempt) -> Response:
        """Status callback: how the call ended; or that a machine has answered, whose call is ended with the answer."""
        call_sid, found = carrier.caller(message).call_sid, told(message)
        if found.machine and found.ending is None and await line.heard_machine(attempt, call_sid):
            addresses = Addresses(base_of(request, settings), f"{carrier.name}/out/{attempt}", call_sid)
            return Response(carrier.render((HangUp(),), addresses), media_type=carrier.media_type)
        await _ended(line, attempt, call_sid, message)
        return Response(status_code=204)

    return router


def placed(line: OutLine) -> Callable[[str, Message], Awaitable[None]]:
    """For a carrier with one status address for all calls: hears of the campaign's by the path of their script."""

    async def hear(path: str, message: Message) -> None:
        call_sid = message.get("call_sid")
        if (ours := _PLACED.fullmatch(path)) and isinstance(call_sid, str):
            await _ended(line, ours.group(1), call_sid, message)

    return hear


def hints_of(words: OutWords) -> tuple[str, ...]:
    """The short answers, for the recogniser."""
    answers = [
        word for question in words.questions.values() for each in question.options.values() for word in each.words
    ]
    return tuple(dict.fromkeys([*answers, *words.person_words, *words.repeat_words, *words.refuse_words]))


async def _ended(line: OutLine, attempt: str, call_sid: str, message: Message) -> None:
    found = told(message)
    if found.ending is not None:
        await line.over(attempt, call_sid, found.ending, found.seconds)
