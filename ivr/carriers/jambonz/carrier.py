"""What jambonz sends, and its signature. What it is sent stands in `verbs.py`.

Payloads are JSON with names in snake case (`@jambonz/schema`, callbacks/). `Jambonz-Signature: t=<seconds>,v1=<hex>`
is the HMAC-SHA256 of `<seconds>.<body>` under the account's webhook secret; the address is not signed.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request

from core.clock import Clock
from ivr import flow
from ivr.calls import Outcome
from ivr.carriers import base
from ivr.carriers.base import Addresses, After, Message, Recording, Waiting
from ivr.carriers.jambonz import verbs
from ivr.carriers.jambonz.audio import SCHEME, Recorder, recording_id
from ivr.line import Caller

SIGNATURE = "Jambonz-Signature"
SIGNED_FOR_SECONDS = 300
"""A request that was signed longer ago is somebody's repeat of it."""

OUTCOMES = {
    "completed": Outcome.CALLER_LEFT,
    "failed": Outcome.NOT_CONNECTED,
    "busy": Outcome.NOT_CONNECTED,
    "no-answer": Outcome.NOT_CONNECTED,
}
QUEUE_RESULTS = {"bridged": flow.Ended.TALKED, "leave": flow.Ended.LEFT}
FLOW = re.compile(r"/ivr/[A-Za-z0-9/_-]+(\?[A-Za-z0-9=&_-]*)?")
"""What a call we place may go on with (`rest.py` says it in the call's tag)."""


class Jambonz:
    """The carrier; `secret` None: nothing is signed, so nothing is checked."""

    name = "jambonz"
    media_type = "application/json"

    def __init__(self, secret: str | None, recorder: Recorder, clock: Clock, *, ssml: bool = True) -> None:
        self._secret = secret
        self._recorder = recorder
        self._clock = clock
        self._renderer = verbs.Renderer(ssml=ssml)

    async def read(self, request: Request, address: str) -> Message:
        """The JSON object of the post. A waiting hook need not tell its call: then the address does."""
        del address
        body = await request.body()
        if self._secret is not None and not self._is_signed(body, request.headers.get(SIGNATURE, "")):
            raise base.unsigned(SIGNATURE)
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            raise base.unreadable("body", body[:40], "JSON") from None
        if not isinstance(message, dict):
            raise base.unreadable("body", message, "a JSON object")
        call = request.query_params.get("call")
        return {"call_sid": call, **message} if call else message

    def caller(self, message: Message) -> Caller:
        """Who is on the line: of a call we placed, whom we rang."""
        theirs = "to" if message.get("direction") == "outbound" else "from"
        sent = (base.text_of(message, theirs) or "").removeprefix("sip:").partition("@")[0]
        return Caller(self.name, base.call_sid_of(message, "call_sid"), base.caller_number(sent))

    def event(self, message: Message, after: After, step: int) -> flow.Event | None:
        """What happened."""
        match after:
            case After.RECORD:
                return self._recorded(message, step)
            case After.QUEUE:
                return _from_queue(message)
            case After.DIAL:
                talked = message.get("dial_call_status") == "completed"
                return flow.Returned(flow.Ended.TALKED if talked else flow.Ended.NOBODY, 0)
            case After.ROOM:
                return flow.Returned(flow.Ended.TALKED, 0)
        if keys := base.text_of(message, "digits"):
            return flow.Keyed(keys)
        if message.get("reason") in ("speechDetected", "stt-low-confidence", "error"):
            return _heard(message)
        return flow.Silence()

    def waiting(self, message: Message) -> Waiting:
        """How the caller waits; jambonz counts places from 0."""
        place = base.number_of(message, "queue_position")
        return Waiting(
            None if place is None else place + 1,
            base.number_of(message, "queue_time") or 0,
            base.number_of(message, "queue_size"),
            base.text_of(message, "digits") or "",
        )

    def taken(self, message: Message, call_sid: str) -> str:
        """The call whose leg is about to be connected: the address is not signed, so the parent has to be told."""
        del call_sid
        return base.call_sid_of(message, "parent_call_sid")

    def outcome(self, message: Message) -> Outcome | None:
        """How the call ended; a leg of another call (it has a parent) is none of ours."""
        if message.get("parent_call_sid"):
            return None
        return OUTCOMES.get(base.text_of(message, "call_status") or "")

    def recording(self, message: Message) -> Recording | None:
        """None: jambonz records nothing and so tells of nothing; we do (`audio.py`)."""
        del message
        return None

    def flow_of(self, message: Message) -> str | None:
        """What the tag of a call says that we placed."""
        tag = message.get("customerData")
        if message.get("direction") != "outbound" or not isinstance(tag, Mapping):
            return None
        found = tag.get("flow")
        return found if isinstance(found, str) and FLOW.fullmatch(found) else None

    def render(self, instructions: Sequence[flow.Instruction], addresses: Addresses) -> str:
        """The instructions as verbs."""
        return self._renderer.render(instructions, addresses, self._recorder.key)

    def go_on(self, address: str) -> str:
        """A document that says no more than where the next one is."""
        return verbs.redirect(address)

    def _is_signed(self, body: bytes, header: str) -> bool:
        fields = [part.partition("=")[::2] for part in header.split(",")]
        moments = [value for name, value in fields if name.strip() == "t"]
        if len(moments) != 1 or not re.fullmatch(r"\d{1,12}", moments[0]):
            return False
        if abs(self._clock().timestamp() - int(moments[0])) > SIGNED_FOR_SECONDS:
            return False
        ours = signature(body, int(moments[0]), self._secret or "").encode()
        return any(hmac.compare_digest(ours, value.encode()) for name, value in fields if name.strip() == "v1")

    def _recorded(self, message: Message, step: int) -> flow.Event:
        sid = recording_id(base.call_sid_of(message, "call_sid"), step)
        if not self._recorder.heard(sid):
            return flow.Recorded(None, None, 0)
        return flow.Recorded(sid, SCHEME + sid, base.number_of(message, "dial_call_duration") or 0)


def signature(body: bytes, moment: int, secret: str) -> str:
    """The signature of a body at a moment (seconds since 1970)."""
    return hmac.new(secret.encode(), str(moment).encode() + b"." + body, hashlib.sha256).hexdigest()


def _heard(message: Message) -> flow.Event:
    """The best of what was recognised; nothing of it, where the recogniser gave up, is speech not understood."""
    speech = message.get("speech")
    alternatives: Any = speech.get("alternatives") if isinstance(speech, Mapping) else None
    best: Any = alternatives[0] if isinstance(alternatives, list) and alternatives else {}
    if not isinstance(best, Mapping):
        return flow.Heard("")
    return flow.Heard(base.text_of(best, "transcript") or "", base.confidence_of(best.get("confidence")))


def _from_queue(message: Message) -> flow.Event | None:
    """Without a result it is our own redirection after a key.

    `hangup` is told of everybody who waited until then (feature server, constants.json, QueueResults.Wait), also of
    those whom a key or the REST interface took out: the call may well go on.
    """
    result = base.text_of(message, "queue_result") or "leave"
    if result == "hangup":
        return None
    return flow.Returned(QUEUE_RESULTS.get(result, flow.Ended.NOBODY), base.number_of(message, "queue_time") or 0)
