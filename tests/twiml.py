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
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import urljoin
from uuid import uuid4

from twilio.request_validator import RequestValidator

ANY, NUMBER, FLAG = r"(?s).*", r"[1-9]\d*", r"true|false"
URL = r"(https?:/)?/[^\s]*"
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
    "Pause": {"length": NUMBER},
    "Redirect": {"method": r"POST"},
    "Hangup": {},
}
CHILDREN: Mapping[str, frozenset[str]] = {
    "Response": frozenset({"Gather", "Say", "Pause", "Redirect", "Hangup"}),
    "Gather": frozenset({"Say", "Pause"}),
    "Say": frozenset({"break", "say-as"}),
}
LARGEST_DOCUMENT = 64 * 1024
LONGEST_SAY = 4096
STATUS = "/ivr/twilio/status"


class Posted(Protocol):
    """What `post` brings back."""

    @property
    def status_code(self) -> int: ...

    @property
    def text(self) -> str: ...


Post = Callable[[str, dict[str, str], dict[str, str]], Awaitable[Posted]]


class TwimlCaller:
    """One call. Each action returns what is heard next; AssertionError for what Twilio or a telephone refuses."""

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
        self.ended = False
        self._gather: ET.Element | None = None
        self._rest: list[ET.Element] = []
        self._at = "/"
        self._last: tuple[str, dict[str, str]] = ("", {})

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

    async def hang_up(self) -> None:
        """Put the receiver down; Twilio reports it."""
        assert not self.ended, "the call is over"
        await self._over()

    async def repeat(self) -> str:
        """Twilio sends its last request again, as when the reply got lost; return the reply's document."""
        return await self._send(*self._last)

    async def _result(self, fields: dict[str, str]) -> str:
        assert self._gather is not None
        if not fields and self._gather.get("actionOnEmptyResult") != "true":
            return await self._run(self._rest)
        return await self._request(self._gather.get("action") or self._at, fields, "in-progress")

    async def _request(self, address: str, fields: dict[str, str], status: str) -> str:
        assert not self.ended, "the call is over"
        self._at = urljoin(self._at, address)
        self._last = (self._at, {**self._common(status), **fields})
        document = ET.fromstring(await self._send(*self._last))
        _check(document, parent=None)
        return await self._run(list(document))

    async def _run(self, verbs: list[ET.Element]) -> str:
        """Play the verbs until one waits for the caller; return all that was heard."""
        before = len(self.heard)
        self._gather = None
        for position, verb in enumerate(verbs):
            match verb.tag:
                case "Say":
                    self.heard.append(_spoken(verb))
                case "Gather":
                    self.heard.extend(_spoken(said) for said in verb.iter("Say"))
                    self._gather, self._rest = verb, verbs[position + 1 :]
                    return "\n".join(self.heard[before:])
                case "Redirect":
                    said = self.heard[before:]
                    return "\n".join([*said, await self._request((verb.text or "").strip(), {}, "in-progress")])
                case "Hangup":
                    break
        await self._over()
        return "\n".join(self.heard[before:])

    async def _over(self) -> None:
        self.ended = True
        self._gather = None
        form = self._common("completed") | {"CallDuration": "42"}
        reply = await self._post(self._base_url + STATUS, form, self._signed(STATUS, form))
        assert 200 <= reply.status_code < 300, f"status callback: {reply.status_code} {reply.text}"

    async def _send(self, path: str, form: dict[str, str]) -> str:
        url = path if path.startswith("http") else self._base_url + path
        reply = await self._post(url, form, self._signed(path, form))
        assert reply.status_code == 200, f"{path}: {reply.status_code}, the caller hears an error\n{reply.text}"
        assert len(reply.text.encode()) <= LARGEST_DOCUMENT, f"{path}: the document is larger than 64 kB"
        self.documents.append(reply.text)
        return reply.text

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
        assert self._gather is not None, "the call was not started"
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


def _check(element: ET.Element, parent: str | None) -> None:
    """Refuse what is not in the tables above: unknown verbs, attributes and values, and wrong nesting."""
    tag = element.tag
    assert tag in ATTRIBUTES, f"unknown verb <{tag}>"
    assert (tag == "Response") if parent is None else (tag in CHILDREN.get(parent, ())), f"<{tag}> in <{parent}>"
    for name, value in element.attrib.items():
        assert name in ATTRIBUTES[tag], f"<{tag}> has no attribute {name}"
        assert re.fullmatch(ATTRIBUTES[tag][name], value), f"<{tag} {name}={value!r}>"
    if tag == "Gather":
        _check_gather(element)
    for child in element:
        _check(child, tag)


def _check_gather(gather: ET.Element) -> None:
    if "speechModel" in gather.attrib:
        assert gather.get("speechTimeout") != "auto", "warning 13327: speechTimeout=auto with a speechModel"
    hints = gather.get("hints", "").split(",")
    assert len(hints) <= 500, f"{len(hints)} hints"
    assert all(len(hint) <= 100 for hint in hints), "a hint of more than 100 characters"
