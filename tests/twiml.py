"""A caller for tests: walks TwiML as Twilio does, and is strict where Twilio would complain.

    caller = TwimlCaller(post, "https://hotline.test", auth_token="secret", number="+8613907241234")
    await caller.start()
    await caller.say("楼下夜市太吵了")
    await caller.press("13907241234#")

`post` sends a form: `await post(url, form, headers)` → an object with `status_code` and `text`.
Every request is signed for its address under `public_url` (by default the address it is sent to).
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from urllib.parse import urljoin
from uuid import uuid4

from twilio.request_validator import RequestValidator

from tests.telephone import Doing, Post

__all__ = ["Post", "TwimlCaller"]

ANY, NUMBER, FLAG = r"(?s).*", r"[1-9]\d*", r"true|false"
URL = r"(https?:/)?/[^\s]*"
WHISPER = {"url": URL, "method": "POST"}
RECORDING = {
    "recordingStatusCallback": URL,
    "recordingStatusCallbackMethod": r"POST",
    "recordingStatusCallbackEvent": r"(in-progress|completed|absent)( (in-progress|completed|absent))*",
}
ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "Response": {},
    "Gather": {
        "input": r"dtmf|speech|dtmf speech",
        "action": URL,
        "method": r"POST",
        "timeout": NUMBER,
        "speechTimeout": rf"{NUMBER}|auto",
        "numDigits": NUMBER,
        "finishOnKey": r"[0-9#*]?",
        "actionOnEmptyResult": FLAG,
        "language": r"cmn-Hans-CN|cmn-Hant-TW|zh|zh-TW|yue-Hant-HK",
        "speechModel": r"default|googlev2_(long|short|telephony|telephony_short)|deepgram_nova-[23]",
        "hints": ANY,
        "profanityFilter": FLAG,
    },
    "Say": {"language": r"zh-(CN|HK|TW)", "voice": r"Polly\.Zhiyu", "loop": NUMBER},
    "break": {"time": r"\d+m?s", "strength": ANY},
    "say-as": {"interpret-as": r"digits|characters|telephone|cardinal|number"},
    "prosody": {
        "rate": r"x-slow|slow|medium|fast|x-fast|\d+%",
        "volume": r"silent|x-soft|soft|medium|loud|x-loud|[+-]\d+dB",
        "pitch": ANY,
    },
    "Play": {"loop": r"\d+", "digits": r"[0-9#*w]+"},
    "Pause": {"length": NUMBER},
    "Record": {
        "action": URL,
        "method": r"POST",
        "timeout": NUMBER,
        "finishOnKey": r"[0-9#*]*",
        "maxLength": NUMBER,
        "playBeep": FLAG,
        "trim": r"trim-silence|do-not-trim",
        **RECORDING,
    },
    "Start": {},
    "Recording": {"channels": r"mono|dual", "track": r"inbound|outbound|both", **RECORDING},
    "Enqueue": {"action": URL, "method": r"POST", "waitUrl": URL, "waitUrlMethod": r"POST"},
    "Leave": {},
    "Dial": {
        "action": URL,
        "method": r"POST",
        "timeout": NUMBER,
        "timeLimit": NUMBER,
        "callerId": r"\+\d{5,15}",
        "answerOnBridge": FLAG,
        "record": r"do-not-record|record-from-(answer|ringing)(-dual)?",
        **RECORDING,
    },
    "Number": WHISPER,
    "Sip": WHISPER,
    "Queue": WHISPER,
    "Conference": {"beep": r"true|false|onEnter|onExit", "startConferenceOnEnter": FLAG, "endConferenceOnExit": FLAG},
    "Redirect": {"method": r"POST"},
    "Hangup": {},
}
IN_SAY = frozenset({"break", "say-as", "prosody"})
CHILDREN: Mapping[str, frozenset[str]] = {
    "Response": frozenset(
        {"Gather", "Say", "Play", "Pause", "Record", "Start", "Enqueue", "Dial", "Redirect", "Hangup"}
    ),
    "Start": frozenset({"Recording"}),
    "Gather": frozenset({"Say", "Play", "Pause"}),
    "Say": IN_SAY,
    "prosody": IN_SAY,
    "Dial": frozenset({"Number", "Sip", "Conference", "Queue"}),
}
# What Twilio takes in the document of a waitUrl, and of the url of a <Number>.
WAITING = frozenset({"Gather", "Say", "Play", "Pause", "Redirect", "Leave", "Hangup"})
WHISPERING = frozenset({"Gather", "Say", "Play", "Pause", "Redirect", "Hangup"})
LARGEST_DOCUMENT = 64 * 1024
LONGEST_SAY = 4096
LONGEST_QUEUE_NAME = 64
STATUS = "/ivr/twilio/status"
QUEUE_SID = "QU" + "0" * 32


class TwimlCaller:
    """One call (`tests.telephone.Telephone`)."""

    def __init__(
        self,
        post: Post,
        base_url: str,
        *,
        public_url: str | None = None,
        auth_token: str | None = None,
        number: str = "+8613907241234",
        call_sid: str | None = None,
    ) -> None:
        self._post = post
        self._base_url = base_url.rstrip("/")
        self._public_url = (public_url or base_url).rstrip("/")
        self._validator = RequestValidator(auth_token) if auth_token else None
        self.call_sid = call_sid or f"CA{uuid4().hex}"
        self.number = number
        self.heard: list[str] = []
        self.documents: list[str] = []
        self.whispered: list[str] = []
        self.played: list[str] = []
        self.doing = Doing.NOTHING
        self.position = 1
        self._verb: ET.Element | None = None
        self._gather: ET.Element | None = None
        self._rest: list[ET.Element] = []
        self._at = "/"
        self._last: tuple[str, dict[str, str]] = ("", {})
        self._recording: tuple[str, dict[str, str]] | None = None
        self._started: ET.Element | None = None
        self._next_wait = ""
        self._waited = 0

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return self.doing is Doing.OVER

    @property
    def queue(self) -> str:
        """The name of the queue the caller waits in."""
        return (self._busy(Doing.QUEUED).text or "").strip()

    @property
    def dialled(self) -> str:
        """The number that rings, or the room the caller is in."""
        assert self.doing in (Doing.RINGING, Doing.CONFERRING), f"the call is {self.doing}"
        return (self._busy(self.doing)[0].text or "").strip()

    async def start(self) -> str:
        """Dial the number."""
        return await self._request("/ivr/twilio/incoming", {}, "ringing")

    async def press(self, keys: str) -> str:
        """Press keys, all of which this Gather must take; the pause after them is waited for."""
        assert re.fullmatch(r"[0-9*#]+", keys), f"no such keys: {keys}"
        gather = self._listening_for("dtmf")
        return await self._result({"Digits": taken} if (taken := _taken(gather, keys)) else {})

    async def say(self, text: str, confidence: float | None = 0.9) -> str:
        """Speak; the recogniser understands `text`."""
        self._listening_for("speech")
        return await self._result(
            {"SpeechResult": text} | ({} if confidence is None else {"Confidence": str(confidence)})
        )

    async def silence(self) -> str:
        """Say and press nothing until the time is up."""
        self._listening_for("")
        return await self._result({})

    async def leave_message(self, seconds: int = 12) -> str:
        """Speak so long after the beep, and press #; Twilio tells of the recording a moment later."""
        record = self._busy(Doing.RECORDING)
        if not seconds:
            return await self._run(self._rest)
        heard = await self._request(
            record.get("action") or self._at, self._recorded(record, seconds, "#"), "in-progress"
        )
        await self.tell_of_recording()
        return heard

    async def tell_of_recording(self) -> None:
        """Twilio tells that the last recording is ready; a repeat is Twilio telling it twice."""
        if self._recording is not None:
            await self._tell(*self._recording)

    async def wait(self, seconds: int = 30) -> str:
        """Wait so long in the queue, pressing nothing."""
        self._busy(Doing.QUEUED)
        self._waited += seconds
        if self._gather is not None:
            return await self._result({})
        return await self._ask_what_to_play(self._next_wait, {})

    async def talk(self, seconds: int = 60) -> str:
        """Somebody takes the call; the talk ends after so long."""
        if self.doing is Doing.QUEUED:
            return await self._leave_queue("bridged")
        assert self.doing in (Doing.RINGING, Doing.CONFERRING), f"the call is {self.doing}"
        dial = self._busy(self.doing)
        if url := dial[0].get("url"):
            await self._whisper(url)
        if dial.get("record", "do-not-record") != "do-not-record":
            self._tell_later(dial, seconds, "DialVerb")
            await self.tell_of_recording()
        return await self._dialled(dial, "completed", seconds)

    async def nobody(self) -> str:
        """Nobody takes the call: the telephone rings out, or the queue is full."""
        if self.doing is Doing.QUEUED:
            return await self._leave_queue("queue-full")
        return await self._dialled(self._busy(Doing.RINGING), "no-answer", 0)

    async def hang_up(self) -> None:
        """Put the receiver down; Twilio reports it."""
        assert not self.ended, "the call is over"
        if self.doing is Doing.RECORDING and self._verb is not None:
            form = {**self._common("completed"), **self._recorded(self._verb, 5, "hangup")}
            await self._send(urljoin(self._at, self._verb.get("action") or self._at), form)
            await self.tell_of_recording()
        if self.doing is Doing.QUEUED and self._verb is not None and self._verb.get("action"):
            form = {**self._common("completed"), **self._queue_result("hangup")}
            await self._send(urljoin(self._at, self._verb.get("action") or ""), form)
        await self._over()

    async def repeat(self) -> str:
        """Twilio sends its last request again, as when the reply got lost; return the reply's document."""
        return await self._send(*self._last)

    async def _result(self, fields: dict[str, str]) -> str:
        gather = self._gather
        assert gather is not None
        if not fields and gather.get("actionOnEmptyResult") != "true":
            return await self._go_on()
        if self.doing is Doing.QUEUED:
            return await self._ask_what_to_play(gather.get("action") or self._next_wait, fields)
        return await self._request(gather.get("action") or self._at, fields, "in-progress")

    async def _go_on(self) -> str:
        if self.doing is Doing.QUEUED:
            return await self._play_waiting(self._rest)
        return await self._run(self._rest)

    async def _request(self, address: str, fields: dict[str, str], status: str) -> str:
        assert not self.ended, "the call is over"
        return await self._run(list(await self._fetch(address, fields, status)))

    async def _fetch(self, address: str, fields: dict[str, str], status: str) -> ET.Element:
        self._at = urljoin(self._at, address)
        self._last = (self._at, {**self._common(status), **fields})
        document = ET.fromstring(await self._send(*self._last))
        waiting = self.doing is Doing.QUEUED
        _check(document, parent=None, verbs=WAITING if waiting else CHILDREN["Response"])
        return document

    async def _run(self, verbs: list[ET.Element]) -> str:
        """Play the verbs until one waits for the caller; return all that was heard."""
        before = len(self.heard)
        self._gather = self._verb = None
        for position, verb in enumerate(verbs):
            self._verb, self._rest = verb, verbs[position + 1 :]
            match verb.tag:
                case "Say" | "Play":
                    self._hear(verb)
                case "Gather":
                    self._open(verb, verbs[position + 1 :])
                    self.doing = Doing.LISTENING
                    return self._since(before)
                case "Record":
                    self.doing = Doing.RECORDING
                    return self._since(before)
                case "Enqueue":
                    self.doing = Doing.QUEUED
                    self._waited = 0
                    if url := verb.get("waitUrl"):
                        await self._ask_what_to_play(url, {})
                    return self._since(before)
                case "Start":
                    self._started = verb[0]
                case "Dial":
                    self.doing = Doing.CONFERRING if verb[0].tag == "Conference" else Doing.RINGING
                    return self._since(before)
                case "Redirect":
                    await self._request((verb.text or "").strip(), {}, "in-progress")
                    return self._since(before)
                case "Hangup":
                    break
        await self._over()
        return self._since(before)

    async def _ask_what_to_play(self, address: str, fields: dict[str, str]) -> str:
        before = len(self.heard)
        self._next_wait = urljoin(self._at, address)
        form = {
            "QueueSid": QUEUE_SID,
            "QueuePosition": str(self.position),
            "QueueTime": str(self._waited),
            "AvgQueueTime": "90",
            "CurrentQueueSize": str(max(self.position, 1)),
            "MaxQueueSize": "1000",
            **fields,
        }
        return await self._play_waiting(list(await self._fetch(address, form, "in-progress")), before)

    async def _play_waiting(self, verbs: list[ET.Element], before: int | None = None) -> str:
        before = len(self.heard) if before is None else before
        self._gather = None
        for position, verb in enumerate(verbs):
            match verb.tag:
                case "Say" | "Play":
                    self._hear(verb)
                case "Gather":
                    self._open(verb, verbs[position + 1 :])
                    return self._since(before)
                case "Redirect":
                    self._next_wait = urljoin(self._at, (verb.text or "").strip())
                    return self._since(before)
                case "Leave":
                    await self._leave_queue("leave")
                    return self._since(before)
                case "Hangup":
                    await self._over()
                    return self._since(before)
        return self._since(before)

    async def taken_elsewhere(self, address: str) -> str:
        """The REST interface lets the call go on with the script at another address."""
        if self.doing is Doing.QUEUED and (action := self._busy(Doing.QUEUED).get("action")):
            form = {**self._common("in-progress"), **self._queue_result("redirected")}
            await self._tell(urljoin(self._at, action), form)
        self.doing = Doing.NOTHING
        return await self._request(address, {}, "in-progress")

    async def _leave_queue(self, result: str) -> str:
        enqueue = self._busy(Doing.QUEUED)
        fields = self._queue_result(result)
        self.doing = Doing.NOTHING
        if not enqueue.get("action"):
            return await self._run(self._rest)
        return await self._request(enqueue.get("action") or "", fields, "in-progress")

    def _queue_result(self, result: str) -> dict[str, str]:
        return {"QueueResult": result, "QueueSid": QUEUE_SID, "QueueTime": str(self._waited)}

    async def _dialled(self, dial: ET.Element, status: str, seconds: int) -> str:
        fields = {"DialCallStatus": status, "DialCallSid": f"CA{uuid4().hex}"}
        if seconds:
            fields["DialCallDuration"] = str(seconds)
        self.doing = Doing.NOTHING
        if not dial.get("action"):
            return await self._run(self._rest)
        return await self._request(dial.get("action") or "", fields, "in-progress")

    async def _whisper(self, url: str) -> None:
        form = self._common("in-progress") | {
            "CallSid": f"CA{uuid4().hex}",
            "ParentCallSid": self.call_sid,
            "Direction": "outbound-dial",
        }
        document = ET.fromstring(await self._send(urljoin(self._at, url), form))
        _check(document, parent=None, verbs=WHISPERING)
        self.whispered.extend(_spoken(said) for said in document.iter("Say"))

    def _recorded(self, record: ET.Element, seconds: int, digits: str) -> dict[str, str]:
        assert seconds <= int(record.get("maxLength", "3600")), f"a message of {seconds} s is cut off"
        return {**self._tell_later(record, seconds, "RecordVerb"), "Digits": digits}

    def _tell_later(self, recording: ET.Element, seconds: int, source: str) -> dict[str, str]:
        """A recording is made, which its status callback is to be told of; returns what the step tells of it."""
        sid = f"RE{uuid4().hex}"
        fields = {
            "RecordingSid": sid,
            "RecordingUrl": f"https://api.twilio.com/2010-04-01/Accounts/AC{'0' * 32}/Recordings/{sid}",
            "RecordingDuration": str(seconds),
        }
        if callback := recording.get("recordingStatusCallback"):
            about = {"RecordingStatus": "completed", "RecordingChannels": "1", "RecordingSource": source}
            common = {name: self._common("")[name] for name in ("CallSid", "AccountSid")}
            self._recording = (urljoin(self._at, callback), {**common, **fields, **about})
        return fields

    def _hear(self, verb: ET.Element) -> None:
        if verb.tag == "Say":
            self.heard.append(_spoken(verb))
        elif verb.tag == "Play":
            self.played.append(urljoin(self._at, (verb.text or "").strip()))

    def _open(self, gather: ET.Element, rest: list[ET.Element]) -> None:
        for said in gather:
            self._hear(said)
        self._gather, self._rest = gather, rest

    def _since(self, before: int) -> str:
        return "\n".join(self.heard[before:])

    def _busy(self, doing: Doing) -> ET.Element:
        assert self.doing is doing, f"the call is {self.doing}, not {doing}"
        assert self._verb is not None
        return self._verb

    async def _over(self) -> None:
        self.doing = Doing.OVER
        self._gather = None
        if self._started is not None:
            self._tell_later(self._started, 42, "StartCallRecordingTwiML")
            await self.tell_of_recording()
        await self._tell(STATUS, self._common("completed") | {"CallDuration": "42"})

    async def _tell(self, path: str, form: dict[str, str]) -> None:
        reply = await self._post(self._url(path), form, self._signed(path, form))
        assert 200 <= reply.status_code < 300, f"{path}: {reply.status_code} {reply.text}"

    async def _send(self, path: str, form: dict[str, str]) -> str:
        reply = await self._post(self._url(path), form, self._signed(path, form))
        assert reply.status_code == 200, f"{path}: {reply.status_code}, the caller hears an error\n{reply.text}"
        assert len(reply.text.encode()) <= LARGEST_DOCUMENT, f"{path}: the document is larger than 64 kB"
        self.documents.append(reply.text)
        return reply.text

    def _url(self, path: str) -> str:
        return path if path.startswith("http") else self._base_url + path

    def _signed(self, path: str, form: dict[str, str]) -> dict[str, str]:
        if self._validator is None:
            return {}
        url = path if path.startswith("http") else self._public_url + path
        return {"X-Twilio-Signature": str(self._validator.compute_signature(url, form))}

    def _common(self, status: str) -> dict[str, str]:
        return {
            "CallSid": self.call_sid,
            "AccountSid": "AC" + "0" * 32,
            "ApiVersion": "2010-04-01",
            "From": self.number,
            "To": "+8671512345",
            "CallStatus": status,
            "Direction": "inbound",
        }

    def _listening_for(self, kind: str) -> ET.Element:
        assert not self.ended, "the call is over"
        assert self._gather is not None, f"nobody listens: the call is {self.doing}"
        assert kind in self._gather.get("input", "dtmf"), f"this Gather does not take {kind}"
        return self._gather


def _taken(gather: ET.Element, keys: str) -> str:
    """The digits a Gather hands over: up to `numDigits`, or up to `finishOnKey`, which alone ends nothing."""
    finish, most = gather.get("finishOnKey", "#"), int(gather.get("numDigits", "1000"))
    taken = ""
    for position, key in enumerate(keys):
        if key == finish:
            assert not taken or position == len(keys) - 1, f"keys after {finish} are lost: {keys}"
            continue
        taken += key
        if len(taken) == most:
            left = keys[position + 1 :].removeprefix(finish or "\0")
            assert not left, f"this Gather takes {most} keys; lost: {left}"
            return taken
    return taken


def _spoken(say: ET.Element) -> str:
    text = "".join(say.itertext())
    assert 0 < len(text) <= LONGEST_SAY, f"<Say> of {len(text)} characters"
    return text


def _check(element: ET.Element, parent: str | None, verbs: frozenset[str] = CHILDREN["Response"]) -> None:
    """Refuse what is not in the tables above: unknown verbs, attributes and values, and wrong nesting."""
    tag = element.tag
    assert tag in ATTRIBUTES, f"unknown verb <{tag}>"
    allowed = verbs if parent == "Response" else CHILDREN.get(parent or "", frozenset())
    assert (tag == "Response") if parent is None else (tag in allowed), f"<{tag}> in <{parent}>"
    for name, value in element.attrib.items():
        assert name in ATTRIBUTES[tag], f"<{tag}> has no attribute {name}"
        assert re.fullmatch(ATTRIBUTES[tag][name], value), f"<{tag} {name}={value!r}>"
    if tag == "Gather":
        _check_gather(element)
    if tag == "Enqueue":
        assert 0 < len(element.text or "") <= LONGEST_QUEUE_NAME, f"a queue called {element.text!r}"
    if tag == "Dial":
        assert len(element) > 0, "<Dial> of nobody"
    for child in element:
        _check(child, tag, verbs)


def _check_gather(gather: ET.Element) -> None:
    if "speechModel" in gather.attrib:
        assert gather.get("speechTimeout") != "auto", "warning 13327: speechTimeout=auto with a speechModel"
    hints = gather.get("hints", "").split(",")
    assert len(hints) <= 500, f"{len(hints)} hints"
    assert all(len(hint) <= 100 for hint in hints), "a hint of more than 100 characters"
