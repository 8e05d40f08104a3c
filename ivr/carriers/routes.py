"""The phone's doors, the same for every carrier. Whoever does not sign is refused; a caller always hears an answer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from core.access import Audience, open_to
from core.problems import Problem
from core.settings import Settings
from ivr import flow
from ivr.calls import Outcome
from ivr.carriers import sounds
from ivr.carriers.base import CALL_SID, SOUNDS, Addresses, After, Carrier, Message, Recording, Waiting, comes_in
from ivr.line import Caller, Script

MOST_STEPS = 100_000
MOST_HELD = 1_000


class Line(Protocol):
    """Who answers the calls (`ivr.line.PhoneLine`)."""

    async def take(self, caller: Caller) -> Script:
        """A call comes in."""

    async def step(self, caller: Caller, step: int, event: flow.Event, failed_before: bool = False) -> Script:
        """Something happened in step `step` of a call."""

    async def come_back(self, caller: Caller, step: int, held: int, failed_before: bool = False) -> Script:
        """The caller was asked to wait for the answer to step `step`, `held` times so far."""

    async def over(self, call_sid: str, outcome: Outcome) -> None:
        """The call is over."""


async def _music(caller: Caller, step: int, waiting: Waiting) -> Sequence[flow.Instruction]:
    del caller, step, waiting
    return (flow.Play(),)


async def _nothing(call_sid: str) -> Sequence[flow.Instruction]:
    del call_sid
    return ()


async def _not_kept(carrier: str, recording: Recording) -> None:
    del carrier, recording


async def _not_ours(token: str, call_sid: str, pressed: str | None) -> Sequence[flow.Instruction]:
    del token, call_sid, pressed
    return (flow.HangUp(),)


async def _not_missed(call_sid: str) -> None:
    del call_sid


async def _unanswered(caller: Caller) -> None:
    del caller


async def _left(call_sid: str) -> flow.Ended:
    del call_sid
    return flow.Ended.LEFT


async def _no_room(token: str) -> int | None:
    del token
    return None


async def _not_placed(path: str, message: Message) -> None:
    del path, message


@dataclass(frozen=True, slots=True)
class Rooms:
    """Who answers what is no step of the flow.

    `waiting`: what a caller hears in a queue, asked again when it has been played; the step that is given comes after
    the queue. `leg`: what somebody hears whom we have rung or brought into a talk, by the token in the address; asked
    again with each key. `whisper`: what somebody hears who takes a call, before they are connected. `recorded`: a
    recording of a carrier is ready; may be told late, twice, or before its step. `ended`: a call has ended.
    `left`: why a caller left the queue by a key. `out_of_room`: somebody came out of the room of a talk; the step with
    which a caller's call goes on, None for anybody else. `unanswered`: a call rang and was never taken.
    `placed`: what is told of a call that we have placed, by the path of its script, where the carrier names that.
    """

    waiting: Callable[[Caller, int, Waiting], Awaitable[Sequence[flow.Instruction]]] = _music
    leg: Callable[[str, str, str | None], Awaitable[Sequence[flow.Instruction]]] = _not_ours
    whisper: Callable[[str], Awaitable[Sequence[flow.Instruction]]] = _nothing
    recorded: Callable[[str, Recording], Awaitable[None]] = _not_kept
    ended: Callable[[str], Awaitable[None]] = _not_missed
    left: Callable[[str], Awaitable[flow.Ended]] = _left
    out_of_room: Callable[[str], Awaitable[int | None]] = _no_room
    unanswered: Callable[[Caller], Awaitable[None]] = _unanswered
    placed: Callable[[str, Message], Awaitable[None]] = _not_placed


NO_ROOMS = Rooms()


def carrier_router(
    carrier: Carrier,
    line: Line,
    settings: Settings,
    hints: Sequence[str] = (),
    rooms: Rooms = NO_ROOMS,
    under: str = "",
) -> APIRouter:
    """The doors of one carrier; `hints` are words callers are likely to say, the likeliest first.

    `under` is for another line of ours, such as the calls we place: its doors stand at `/ivr/<carrier>/<under>/…`.
    """
    place = f"{carrier.name}/{under}" if under else carrier.name
    audience = Audience(carrier.name)
    router = APIRouter(prefix=f"/ivr/{place}", tags=["phone"], dependencies=[open_to(audience)])
    words = tuple(hints)

    async def signed(request: Request) -> Message:
        return await carrier.read(request, public_address(request, settings))

    Signed = Annotated[Message, Depends(signed)]  # noqa: N806
    Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]  # noqa: N806
    StepNumber = Annotated[int, Path(ge=0, le=MOST_STEPS)]  # noqa: N806

    def base(request: Request) -> str:
        return base_of(request, settings)

    def answer(request: Request, call_sid: str, script: Script, after: After = After.LISTEN) -> Response:
        addresses = Addresses(
            base(request),
            place,
            call_sid,
            script.next_step,
            failed=script.failed,
            held=script.held,
            after=after,
            hints=words,
        )
        return Response(carrier.render(script.instructions, addresses), media_type=carrier.media_type)

    @router.post("/incoming")
    async def incoming(request: Request, message: Signed) -> Response:
        """A call comes in, or one that we placed is answered: the greeting."""
        caller = carrier.caller(message)
        if path := carrier.flow_of(message):
            return Response(carrier.go_on(path), media_type=carrier.media_type)
        return answer(request, caller.call_sid, await line.take(caller))

    @router.post("/step/{step}")
    async def step(
        request: Request,
        message: Signed,
        step: StepNumber,
        after: After = After.LISTEN,
        failed: bool = False,
        held: Annotated[int, Query(ge=0, le=MOST_HELD)] = 0,
    ) -> Response:
        """What the caller said, pressed or came back from: what is said next. Reached by following the script."""
        caller = carrier.caller(message)
        if held:
            script = await line.come_back(caller, step, held, failed)
        elif step == 0:
            script = await line.take(caller)
        elif (event := carrier.event(message, after, step)) is None:
            nothing = carrier.render((), Addresses(base(request), place, caller.call_sid))
            return Response(nothing, media_type=carrier.media_type)
        else:
            if isinstance(event, flow.Returned) and event.how is flow.Ended.LEFT:
                event = replace(event, how=await rooms.left(caller.call_sid))
            script = await line.step(caller, step, event, failed)
        return answer(request, caller.call_sid, script, after)

    @router.post("/wait/{step}")
    async def wait(request: Request, message: Signed, step: StepNumber) -> Response:
        """What the caller hears in a queue. Reached by following the script."""
        caller, waiting = carrier.caller(message), carrier.waiting(message)
        script = await rooms.waiting(caller, step, waiting) or (flow.Play(),)
        keyed = bool(waiting.keys)
        addresses = Addresses(base(request), place, caller.call_sid, step, waiting=True, keyed=keyed, hints=words)
        return Response(carrier.render(script, addresses), media_type=carrier.media_type)

    async def leg(request: Request, message: Message, door: str, token: str, after: After) -> Response:
        if after is After.ROOM:
            return await leave_room(request, message, token)
        call_sid, event = carrier.caller(message).call_sid, carrier.event(message, After.LISTEN, 1)
        script = await rooms.leg(token, call_sid, event.keys if isinstance(event, flow.Keyed) else None)
        # Who is brought in may come out of a queue, whose keys count no longer.
        addresses = Addresses(base(request), place, call_sid, door=f"{door}/{token}", after=After.QUEUE)
        return Response(carrier.render(script, addresses), media_type=carrier.media_type)

    async def leave_room(request: Request, message: Message, token: str) -> Response:
        caller, event = carrier.caller(message), carrier.event(message, After.ROOM, 1)
        if (step := await rooms.out_of_room(token)) is None:
            end = carrier.render((flow.HangUp(),), Addresses(base(request), place, caller.call_sid))
            return Response(end, media_type=carrier.media_type)
        seconds = event.seconds if isinstance(event, flow.Returned) else 0
        script = await line.step(caller, step, flow.Returned(flow.Ended.TALKED, seconds))
        return answer(request, caller.call_sid, script, After.ROOM)

    @router.post("/seat/{token}")
    async def seat(request: Request, message: Signed, token: Token, after: After = After.LISTEN) -> Response:
        """What a telephone hears that we have rung: the summary, a key, the room."""
        return await leg(request, message, "seat", token, after)

    @router.post("/join/{token}")
    async def join(request: Request, message: Signed, token: Token, after: After = After.LISTEN) -> Response:
        """What a caller hears who is brought out of the queue: the room."""
        return await leg(request, message, "join", token, after)

    @router.post("/whisper")
    async def whisper(request: Request, message: Signed, call: str = "") -> Response:
        """What somebody hears who takes a call. Reached by following the script."""
        call_sid = carrier.taken(message, call)
        addresses = Addresses(base(request), place, call_sid)
        script = await rooms.whisper(call_sid)
        return Response(carrier.render(script, addresses), media_type=carrier.media_type)

    @router.post("/recording", status_code=204)
    async def recording(
        message: Signed, talk: Annotated[str | None, Query(pattern=f"^{CALL_SID.pattern}$")] = None
    ) -> None:
        """A recording is ready; `talk`: of a talk of this call."""
        if (told := carrier.recording(message)) is not None:
            of_talk = told if talk is None else replace(told, call_sid=talk, talk=True)
            await rooms.recorded(carrier.name, of_talk)

    @router.post("/status", status_code=204)
    async def status(message: Signed) -> None:
        """Status callback: when the call is over, what was left unfinished goes to a person."""
        caller = carrier.caller(message)
        if path := carrier.flow_of(message):
            await rooms.placed(path, message)
        if (outcome := carrier.outcome(message)) is not None:
            await line.over(caller.call_sid, outcome)
            await rooms.ended(caller.call_sid)
            if outcome is Outcome.NOT_CONNECTED and comes_in(message):
                await rooms.unanswered(caller)

    return router


def sounds_router() -> APIRouter:
    """The sounds a carrier fetches."""
    router = APIRouter(prefix=SOUNDS, tags=["phone"])

    @router.get("/{name}", dependencies=[open_to(Audience.ANYONE)], response_class=Response)
    async def sound(name: str) -> Response:
        """The music while waiting, as a WAV file."""
        if name.removesuffix(".wav") not in sounds.SOUNDS:
            raise Problem(404, "Not Found", f"there is no sound {name[:40]!r}; there is music.wav")
        data = await asyncio.to_thread(sounds.music)
        return Response(data, media_type="audio/wav", headers={"Cache-Control": "public, max-age=86400"})

    return router


def base_of(request: Request, settings: Settings) -> str:
    """Our public address, without a slash at its end."""
    return settings.public_url or str(request.base_url).rstrip("/")


def public_address(request: Request, settings: Settings) -> str:
    """The address of a request, as it was signed. Only the configured public one is believed, not a proxy's headers."""
    if not settings.public_url:
        return str(request.url)
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{settings.public_url}{request.url.path}{query}"
