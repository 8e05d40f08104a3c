"""The phone's doors for Twilio. Whoever does not sign as Twilio is refused; a caller always hears an answer."""

from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.datastructures import FormData

from core.access import Audience, open_to
from core.city import City
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from core.settings import Settings
from ivr import twilio
from ivr.hints import hints_of
from ivr.house import open_line
from ivr.line import Caller, Conversation, PhoneLine, Script

CARRIER = "twilio"
LONGEST_CALL_SID = 64
MOST_STEPS = 100_000


def create_router(
    conversation: Conversation, database: Database, settings: Settings, city: City, clock: Clock
) -> APIRouter:
    """All routes of the phone, over one conversation, database and city."""
    phone = open_line(conversation, database, city, clock)
    return twilio_router(phone, settings, hints_of(city, phone.prompts))


def twilio_router(phone: PhoneLine, settings: Settings, hints: Iterable[str] = ()) -> APIRouter:
    """The routes Twilio calls; `hints` are words callers are likely to say, the likeliest first."""
    router = APIRouter(prefix="/ivr/twilio", tags=["phone"], dependencies=[open_to(Audience.TWILIO)])
    known_words = twilio.usable_hints(hints)
    mounted_at = urlsplit(settings.public_url or "").path

    async def signed(request: Request) -> FormData:
        form = await _form(request)
        _verify(request, form, settings)
        return form

    Signed = Annotated[FormData, Depends(signed)]  # noqa: N806

    def answer(script: Script) -> Response:
        again = "?failed=1" if script.failed else f"?held={script.held}" if script.held else ""
        action = f"{mounted_at}/ivr/twilio/step/{script.next_step}{again}"
        return Response(twilio.render(script.instructions, action, known_words), media_type="application/xml")

    @router.post("/incoming")
    async def incoming(form: Signed) -> Response:
        """A call comes in: the greeting."""
        return answer(await phone.take(_caller(form)))

    @router.post("/step/{step}")
    async def step(
        form: Signed, step: Annotated[int, Path(ge=0, le=MOST_STEPS)], failed: bool = False, held: int = 0
    ) -> Response:
        """What the caller said or pressed: what is said next. Reached by following the TwiML."""
        if held:
            return answer(await phone.come_back(_caller(form), step, held))
        event = twilio.event_of(_text(form, "Digits"), _text(form, "SpeechResult"), _text(form, "Confidence"))
        return answer(await phone.step(_caller(form), step, event, failed))

    @router.post("/status", status_code=204)
    async def status(form: Signed) -> None:
        """Status callback: when the call is over, what was left unfinished goes to a person."""
        outcome = twilio.OUTCOMES.get(_text(form, "CallStatus") or "")
        if outcome is not None:
            await phone.over(_caller(form).call_sid, outcome)

    return router


async def _form(request: Request) -> FormData:
    """The plain fields of the post; files are nothing a carrier sends."""
    form = await request.form()
    return FormData([(name, value) for name, value in form.multi_items() if isinstance(value, str)])


def _verify(request: Request, form: FormData, settings: Settings) -> None:
    """Refuse what is not signed. Of the address, only the configured public one is believed, not a proxy's headers."""
    if settings.twilio_auth_token is None:
        return
    url = str(request.url)
    if settings.public_url:
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"{settings.public_url}{request.url.path}{query}"
    signature = request.headers.get("X-Twilio-Signature", "")
    if not twilio.is_signed(url, form, signature, settings.twilio_auth_token.get_secret_value()):
        raise Problem(403, "Forbidden", "X-Twilio-Signature: the request is not signed with this system's auth token")


def _caller(form: FormData) -> Caller:
    call_sid = _text(form, "CallSid") or ""
    if not 0 < len(call_sid) <= LONGEST_CALL_SID:
        detail = f"CallSid: must have 1 to {LONGEST_CALL_SID} characters (got {len(call_sid)})"
        raise Problem(422, "Unprocessable Content", detail, field="CallSid")
    return Caller(CARRIER, call_sid, twilio.caller_number(_text(form, "From") or ""))


def _text(form: FormData, name: str) -> str | None:
    value = form.get(name)
    return value if isinstance(value, str) else None
