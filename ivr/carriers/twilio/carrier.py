"""What Twilio sends, and its signature. What it is sent stands in `twiml.py`."""

from collections.abc import Sequence

from fastapi import Request
from starlette.datastructures import FormData
from twilio.request_validator import RequestValidator

from ivr import flow
from ivr.calls import Outcome
from ivr.carriers import base
from ivr.carriers.base import Addresses, After, Message, Recording, Waiting
from ivr.carriers.twilio import twiml
from ivr.line import Caller

SIGNATURE = "X-Twilio-Signature"
MOST_FIELDS = 200

OUTCOMES = {
    "completed": Outcome.CALLER_LEFT,
    "busy": Outcome.NOT_CONNECTED,
    "failed": Outcome.NOT_CONNECTED,
    "no-answer": Outcome.NOT_CONNECTED,
    "canceled": Outcome.NOT_CONNECTED,
}
QUEUE_RESULTS = {"bridged": flow.Ended.TALKED, "leave": flow.Ended.LEFT}
GONE_FROM_QUEUE = frozenset({"redirected", "redirected-from-bridged", "hangup"})
"""The call goes on elsewhere already, or is over."""
DIAL_RESULTS = {"completed": flow.Ended.TALKED, "answered": flow.Ended.TALKED}


class Twilio:
    """The carrier; `token` None: nothing is signed, so nothing is checked."""

    name = "twilio"
    media_type = "application/xml"

    def __init__(self, token: str | None) -> None:
        self._validator = None if token is None else RequestValidator(token)

    async def read(self, request: Request, address: str) -> Message:
        """The plain fields of the post; files are nothing a carrier sends. All of them and the address are signed."""
        form = await request.form(max_fields=MOST_FIELDS, max_files=0)
        plain = FormData([(name, value) for name, value in form.multi_items() if isinstance(value, str)])
        signature = request.headers.get(SIGNATURE, "")
        if self._validator is not None and not self._validator.validate(address, plain, signature):
            raise base.unsigned(SIGNATURE)
        return dict(plain)

    def caller(self, message: Message) -> Caller:
        """Who is on the line: of a call we placed, whom we rang."""
        theirs = "To" if str(message.get("Direction", "")).startswith("outbound") else "From"
        number = base.caller_number(base.text_of(message, theirs) or "")
        return Caller(self.name, base.call_sid_of(message, "CallSid"), number)

    def event(self, message: Message, after: After, step: int) -> flow.Event | None:
        """What happened: keys before speech; speech that is there but empty was not understood."""
        del step
        match after:
            case After.RECORD:
                return _recorded(message)
            case After.QUEUE:
                return _from_queue(message)
            case After.DIAL | After.ROOM:
                how = DIAL_RESULTS.get(base.text_of(message, "DialCallStatus") or "", flow.Ended.NOBODY)
                return flow.Returned(how, base.number_of(message, "DialCallDuration") or 0)
        if keys := base.text_of(message, "Digits"):
            return flow.Keyed(keys)
        if (speech := base.text_of(message, "SpeechResult")) is not None:
            return flow.Heard(speech, base.confidence_of(message.get("Confidence")))
        return flow.Silence()

    def waiting(self, message: Message) -> Waiting:
        """How the caller waits."""
        return Waiting(
            base.number_of(message, "QueuePosition"),
            base.number_of(message, "QueueTime") or 0,
            base.number_of(message, "CurrentQueueSize"),
            base.text_of(message, "Digits") or "",
        )

    def taken(self, message: Message, call_sid: str) -> str:
        """The call of the address, which is signed with it."""
        base.call_sid_of(message, "CallSid")
        return base.call_sid_of({"call": call_sid}, "call")

    def outcome(self, message: Message) -> Outcome | None:
        """How the call ended; a leg of another call (it has a parent) is none of ours."""
        if message.get("ParentCallSid"):
            return None
        return OUTCOMES.get(base.text_of(message, "CallStatus") or "")

    def recording(self, message: Message) -> Recording | None:
        """A recording that is complete, or that Twilio found empty (`absent`)."""
        status = base.text_of(message, "RecordingStatus")
        if status not in ("completed", "absent"):
            return None
        sid = base.text_of(message, "RecordingSid")
        if not sid:
            raise base.unreadable("RecordingSid", message.get("RecordingSid"), "the id of the recording")
        url = base.text_of(message, "RecordingUrl") if status == "completed" else None
        seconds = base.number_of(message, "RecordingDuration") or 0
        return Recording(base.call_sid_of(message, "CallSid"), sid, url, seconds)

    def flow_of(self, message: Message) -> str | None:
        """None: Twilio asks for the script of a call we place at its own address."""
        del message
        return None

    def render(self, instructions: Sequence[flow.Instruction], addresses: Addresses) -> str:
        """The instructions as TwiML."""
        return twiml.render(instructions, addresses)

    def go_on(self, address: str) -> str:
        """A document that says no more than where the next one is."""
        return twiml.redirect(address)


def _recorded(message: Message) -> flow.Event:
    sid = base.text_of(message, "RecordingSid")
    if not sid:
        return flow.Recorded(None, None, 0)
    seconds = base.number_of(message, "RecordingDuration") or 0
    return flow.Recorded(sid, base.text_of(message, "RecordingUrl"), seconds)


def _from_queue(message: Message) -> flow.Event | None:
    result = base.text_of(message, "QueueResult") or ""
    if result in GONE_FROM_QUEUE:
        return None
    seconds = base.number_of(message, "QueueTime") or 0
    return flow.Returned(QUEUE_RESULTS.get(result, flow.Ended.NOBODY), seconds)
