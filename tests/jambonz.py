"""A caller for tests: does what jambonz does with verbs in JSON, and is strict where jambonz would complain.

    caller = JambonzCaller(post, "https://hotline.test", secret="wh_secret", number="13907241234")
    await caller.start()
    await caller.say("楼下夜市太吵了")
    await caller.press("13907241234#")

`post` sends a text: `await post(url, body, headers)` → an object with `status_code` and `text`. Every request is
signed as jambonz does: HMAC-SHA256 over time and body. `stream` takes the audio of a message:
`await stream(url, auth, chunks)`.
What jambonz itself says of its verbs and payloads (npm `@jambonz/schema`) is held against them in
`tests/unit/ivr/test_jambonz_specification.py`.
"""

import hashlib
import hmac
import json
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

from tests.telephone import Doing, PostText

Verb = dict[str, Any]
Stream = Callable[[str, tuple[str, str] | None, list[bytes]], Awaitable[None]]

HOOK = str
PROPERTIES: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "say": {"text": str, "loop": int, "synthesizer": dict},
    "play": {"url": str, "loop": int},
    "pause": {"length": (int, float)},
    "gather": {
        "actionHook": HOOK,
        "input": list,
        "finishOnKey": str,
        "numDigits": int,
        "minDigits": int,
        "maxDigits": int,
        "interDigitTimeout": int,
        "speechTimeout": int,
        "timeout": int,
        "listenDuringPrompt": bool,
        "bargein": bool,
        "dtmfBargein": bool,
        "minBargeinWordCount": int,
        "recognizer": dict,
        "say": dict,
        "play": dict,
    },
    "listen": {
        "url": str,
        "actionHook": HOOK,
        "wsAuth": dict,
        "mixType": str,
        "sampleRate": int,
        "finishOnKey": str,
        "maxLength": int,
        "timeout": int,
        "playBeep": bool,
        "metadata": dict,
        "bidirectionalAudio": dict,
    },
    "config": {"bargeIn": dict, "listen": dict},
    "enqueue": {"name": str, "actionHook": HOOK, "waitHook": HOOK, "priority": int},
    "dequeue": {"name": str, "actionHook": HOOK, "timeout": int, "beep": bool},
    "leave": {},
    "dial": {
        "target": list,
        "actionHook": HOOK,
        "confirmHook": HOOK,
        "timeout": int,
        "answerOnBridge": bool,
        "callerId": str,
        "listen": dict,
    },
    "conference": {
        "name": str,
        "actionHook": HOOK,
        "beep": bool,
        "startConferenceOnEnter": bool,
        "endConferenceOnExit": bool,
    },
    "redirect": {"actionHook": HOOK},
    "hangup": {},
}
REQUIRED = {
    "say": {"text"},
    "play": {"url"},
    "listen": {"url"},
    "enqueue": {"name"},
    "dequeue": {"name"},
    "dial": {"target"},
    "conference": {"name"},
    "redirect": {"actionHook"},
}
# What jambonz takes from a waitHook (feature server, lib/tasks/enqueue.js) and from a confirmHook (constants.json).
WAITING = frozenset({"say", "play", "pause", "leave"})
WHISPERING = frozenset({"say", "gather", "config", "tag"})
LONGEST_SAY = 4096
STATUS = "/ivr/jambonz/status"
APPLICATION = "b5c4a0d2-0000-4000-8000-000000000001"
ACCOUNT = "b5c4a0d2-0000-4000-8000-000000000002"


class JambonzCaller:
    """One call (`tests.telephone.Telephone`)."""

    def __init__(
        self,
        post: PostText,
        base_url: str,
        *,
        secret: str | None = None,
        number: str = "13907241234",
        call_sid: str | None = None,
        stream: Stream | None = None,
    ) -> None:
        self._post = post
        self._base_url = base_url.rstrip("/")
        self._secret = secret
        self._stream = stream
        self.call_sid = call_sid or str(uuid4())
        self.number = number
        self.heard: list[str] = []
        self.documents: list[str] = []
        self.payloads: list[tuple[str, str]] = []
        """Every payload sent, with its kind: `gather`, `enqueue-wait` and so on."""
        self.whispered: list[str] = []
        self.played: list[str] = []
        self.doing = Doing.NOTHING
        self.position = 1
        self._verb: Verb | None = None
        self._background: Verb | None = None
        self._listening: Verb | None = None
        self._rest: list[Verb] = []
        self._at = "/"
        self._last: tuple[str, str] = ("", "")
        self._waited = 0

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return self.doing is Doing.OVER

    @property
    def queue(self) -> str:
        """The name of the queue the caller waits in."""
        return str(self._busy(Doing.QUEUED)["name"])

    @property
    def dialled(self) -> str:
        """The number that rings, or the room the caller is in."""
        if self.doing is Doing.CONFERRING:
            return str(self._busy(Doing.CONFERRING)["name"])
        dial = self._busy(Doing.RINGING)
        if dial["verb"] == "dequeue":
            return str(dial["name"])
        target = dial["target"][0]
        return str(target.get("number") or target.get("sipUri"))

    async def start(self) -> str:
        """Dial the number."""
        return await self._request("/ivr/jambonz/incoming", "session-new", {}, status="trying")

    async def press(self, keys: str) -> str:
        """Press keys, all of which must be taken; the pause after them is waited for."""
        assert re.fullmatch(r"[0-9*#]+", keys), f"no such keys: {keys}"
        if self.doing is Doing.QUEUED:
            return await self._press_in_queue(keys)
        gather = self._listening_for("digits")
        taken = _taken(gather, keys)
        if taken:
            return await self._gathered(gather, {"reason": "dtmfDetected", "digits": taken})
        return await self._gathered(gather, {"reason": "timeout"})

    async def say(self, text: str, confidence: float | None = 0.9) -> str:
        """Speak; the recogniser understands `text`."""
        gather = self._listening_for("speech")
        alternative = {"transcript": text} | ({} if confidence is None else {"confidence": confidence})
        speech = {"language_code": "zh-CN", "channel_tag": 1, "is_final": True, "alternatives": [alternative]}
        return await self._gathered(gather, {"reason": "speechDetected", "speech": speech})

    async def silence(self) -> str:
        """Say and press nothing until the time is up."""
        return await self._gathered(self._listening_for(""), {"reason": "timeout"})

    async def leave_message(self, seconds: int = 12) -> str:
        """Speak so long after the beep, and press #; the audio goes to the address the verb names."""
        listen = self._busy(Doing.RECORDING)
        assert seconds <= listen.get("maxLength", 3600), f"a message of {seconds} s is cut off"
        await self._send_audio(listen, seconds)
        ended = {"dial_call_duration": seconds} | ({"digits": listen["finishOnKey"]} if seconds else {})
        return await self._hook(listen, "listen", ended)

    async def wait(self, seconds: int = 30) -> str:
        """Wait so long in the queue, pressing nothing."""
        enqueue = self._busy(Doing.QUEUED)
        self._waited += seconds
        return await self._ask_what_to_play(enqueue)

    async def talk(self, seconds: int = 60) -> str:
        """Somebody takes the call; the talk ends after so long."""
        if self.doing is Doing.QUEUED:
            return await self._leave_queue("bridged")
        if self.doing is Doing.CONFERRING:
            return await self._hook(self._busy(Doing.CONFERRING), "conference", {})
        dial = self._busy(Doing.RINGING)
        if dial["verb"] == "dequeue":
            return await self._hook(dial, "dequeue", {"dequeue_result": "complete"})
        if hook := dial.get("confirmHook"):
            await self._whisper(hook)
        if "listen" in dial:
            await self._send_audio(dial["listen"], seconds)
        ended = {"dial_call_status": "completed", "dial_sip_status": 200, "dial_call_sid": str(uuid4())}
        return await self._hook(dial, "dial", ended)

    async def nobody(self) -> str:
        """Nobody takes the call: the telephone rings out, or the queue fails."""
        if self.doing is Doing.QUEUED:
            return await self._leave_queue("error")
        dial = self._busy(Doing.RINGING)
        if dial["verb"] == "dequeue":
            return await self._hook(dial, "dequeue", {"dequeue_result": "timeout"})
        return await self._hook(dial, "dial", {"dial_call_status": "no-answer", "dial_sip_status": 487})

    async def hang_up(self) -> None:
        """Put the receiver down; jambonz reports it."""
        assert not self.ended, "the call is over"
        if self.doing is Doing.RECORDING and self._verb is not None:
            await self._send_audio(self._verb, 5)
            await self._tell(self._verb["actionHook"], "listen", {"dial_call_duration": 5}, status="completed")
        if self.doing is Doing.QUEUED and self._verb is not None:
            await self._tell(self._verb["actionHook"], "enqueue", self._queue_result("hangup"), status="completed")
        await self._over()

    async def repeat(self) -> str:
        """jambonz sends its last request again, as when the reply got lost; return the reply's document."""
        return await self._send(*self._last)

    async def _gathered(self, gather: Verb, result: dict[str, Any]) -> str:
        return await self._hook(gather, "gather", result)

    async def _hook(self, verb: Verb, kind: str, result: dict[str, Any]) -> str:
        """What a verb's actionHook says next; without one, or without verbs in its answer, the next verb."""
        rest = self._rest
        if not (hook := verb.get("actionHook")):
            return await self._run(rest)
        return await self._request(hook, kind, result, otherwise=rest)

    async def _request(
        self,
        address: str,
        kind: str,
        result: dict[str, Any],
        *,
        status: str = "in-progress",
        otherwise: list[Verb] | None = None,
    ) -> str:
        assert not self.ended, "the call is over"
        verbs = await self._fetch(address, kind, {**self._common(status), **result})
        return await self._run(verbs or otherwise or [])

    async def _fetch(
        self, address: str, kind: str, payload: dict[str, Any], allowed: frozenset[str] = frozenset(PROPERTIES)
    ) -> list[Verb]:
        self._at = urljoin(self._at, address)
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        self.payloads.append((kind, body))
        self._last = (self._at, body)
        verbs = json.loads(await self._send(*self._last))
        check(verbs, allowed)
        return list(verbs)

    async def _run(self, verbs: list[Verb]) -> str:
        """Do the verbs until one waits for the caller; return all that was heard."""
        before = len(self.heard)
        self.doing = Doing.NOTHING
        for position, verb in enumerate(verbs):
            self._verb, self._rest = verb, verbs[position + 1 :]
            match verb["verb"]:
                case "say" | "play":
                    self._hear(verb)
                case "config":
                    if "bargeIn" in verb:
                        self._background = verb["bargeIn"] if verb["bargeIn"]["enable"] else None
                    if "listen" in verb:
                        self._listening = verb["listen"] if verb["listen"]["enable"] else None
                case "gather":
                    # jambonz skips a gather of the same input as one that listens in the background.
                    assert self._background is None, "a gather while one listens in the background"
                    for name in ("say", "play"):
                        if name in verb:
                            self._hear({"verb": name, **verb[name]})
                    self.doing = Doing.LISTENING
                    return self._since(before)
                case "listen":
                    self.doing = Doing.RECORDING
                    return self._since(before)
                case "enqueue":
                    self.doing = Doing.QUEUED
                    self._waited = 0
                    await self._ask_what_to_play(verb)
                    return self._since(before)
                case "dial" | "dequeue":
                    self.doing = Doing.RINGING
                    return self._since(before)
                case "conference":
                    self.doing = Doing.CONFERRING
                    return self._since(before)
                case "redirect":
                    await self._request(verb["actionHook"], "base", {})
                    return self._since(before)
                case "hangup":
                    break
        await self._over()
        return self._since(before)

    async def _ask_what_to_play(self, enqueue: Verb) -> str:
        before = len(self.heard)
        if not (hook := enqueue.get("waitHook")):
            return ""
        payload = {
            "queue_sid": f"queue:{ACCOUNT}:{enqueue['name']}",
            "queue_time": self._waited,
            "queue_size": max(self.position, 1),
            "queue_position": self.position - 1,
            "call_sid": self.call_sid,
            "call_id": f"call-id-{self.call_sid}",
        }
        for verb in await self._fetch(hook, "enqueue-wait", payload, WAITING):
            if verb["verb"] == "leave":
                await self._leave_queue("leave")
                break
            self._hear(verb)
        return self._since(before)

    async def _press_in_queue(self, keys: str) -> str:
        assert self._background is not None, "nobody listens for keys in this queue"
        assert "digits" in self._background["input"], "keys are not listened for in this queue"
        most = self._background.get("numDigits", 1000)
        assert len(keys) <= most, f"this queue takes {most} keys; lost: {keys[most:]}"
        enqueue, before = self._busy(Doing.QUEUED), len(self.heard)
        payload = {**self._common("in-progress"), "reason": "dtmfDetected", "digits": keys}
        verbs = await self._fetch(self._background["actionHook"], "gather", payload)
        if verbs:
            await self._replaced(enqueue)
            await self._run(verbs)
        return self._since(before)

    async def _replaced(self, enqueue: Verb) -> None:
        """All verbs were replaced: the queue tells that the caller left it as one who hung up, and hears no answer."""
        await self._tell(enqueue["actionHook"], "enqueue", self._queue_result("hangup"))

    async def taken_elsewhere(self, address: str) -> str:
        """The REST interface lets the call go on with the script at another address."""
        if self.doing is Doing.QUEUED:
            await self._replaced(self._busy(Doing.QUEUED))
        return await self._request(address, "base", {})

    async def _leave_queue(self, result: str) -> str:
        return await self._hook(self._busy(Doing.QUEUED), "enqueue", self._queue_result(result))

    def _queue_result(self, result: str) -> dict[str, Any]:
        name = self._busy(Doing.QUEUED)["name"]
        return {"queue_sid": f"queue:{ACCOUNT}:{name}", "queue_time": self._waited, "queue_result": result}

    async def _whisper(self, hook: str) -> None:
        child = {"call_sid": str(uuid4()), "parent_call_sid": self.call_sid, "direction": "outbound"}
        at = self._at
        for verb in await self._fetch(hook, "base", {**self._common("in-progress"), **child}, WHISPERING):
            said = verb.get("say", {}) if verb["verb"] == "gather" else verb
            if "text" in said:
                self.whispered.append(_spoken(said["text"]))
        self._at = at

    async def _send_audio(self, listen: Verb, seconds: int) -> None:
        if self._stream is None or not seconds:
            return
        auth = listen.get("wsAuth")
        second = b"\x00\x10" * int(listen.get("sampleRate", 8000))
        told = {name: listen[name] for name in ("sampleRate", "mixType") if name in listen}
        about = json.dumps({"callSid": self.call_sid, "sampleRate": 8000, "mixType": "mono", **told})
        chunks = [about.encode(), *[second] * seconds]
        await self._stream(listen["url"], (auth["username"], auth["password"]) if auth else None, chunks)

    def _hear(self, verb: Verb) -> None:
        if verb["verb"] == "say":
            self.heard.append(_spoken(verb["text"]))
        elif verb["verb"] == "play":
            self.played.append(verb["url"])

    def _since(self, before: int) -> str:
        return "\n".join(self.heard[before:])

    def _busy(self, doing: Doing) -> Verb:
        assert self.doing is doing, f"the call is {self.doing}, not {doing}"
        assert self._verb is not None
        return self._verb

    def _listening_for(self, kind: str) -> Verb:
        assert not self.ended, "the call is over"
        gather = self._busy(Doing.LISTENING)
        assert not kind or kind in gather.get("input", ["digits"]), f"this gather does not take {kind}"
        return gather

    async def _over(self) -> None:
        self.doing = Doing.OVER
        if self._listening is not None:
            await self._send_audio(self._listening, 42)
        await self._tell(STATUS, "call-status", {"duration": 42, "call_termination_by": "caller"}, status="completed")

    async def _tell(self, path: str, kind: str, result: dict[str, Any], status: str = "in-progress") -> None:
        body = json.dumps({**self._common(status), **result}, ensure_ascii=False, separators=(",", ":"))
        self.payloads.append((kind, body))
        reply = await self._post(self._url(urljoin(self._at, path)), body, self._headers(body))
        assert reply.status_code in (200, 202, 204), f"{path}: {reply.status_code} {reply.text}"

    async def _send(self, path: str, body: str) -> str:
        reply = await self._post(self._url(path), body, self._headers(body))
        assert reply.status_code == 200, f"{path}: {reply.status_code}, the call is hung up\n{reply.text}"
        self.documents.append(reply.text)
        return reply.text

    def _url(self, path: str) -> str:
        return path if path.startswith("http") else self._base_url + path

    def _headers(self, body: str) -> dict[str, str]:
        return {"Content-Type": "application/json"} | ({} if self._secret is None else signed(body, self._secret))

    def _common(self, status: str) -> dict[str, Any]:
        return {
            "call_sid": self.call_sid,
            "direction": "inbound",
            "from": self.number,
            "to": "12345",
            "call_id": f"call-id-{self.call_sid}",
            "sip_status": 100 if status == "trying" else 200,
            "sip_reason": "Trying" if status == "trying" else "OK",
            "call_status": status,
            "account_sid": ACCOUNT,
            "application_sid": APPLICATION,
            "trace_id": "0" * 32,
            "originating_sip_trunk_name": "trunk",
        }


def signed(body: str, secret: str, at: int | None = None) -> dict[str, str]:
    """The signature of a request as jambonz makes it (feature server, lib/utils/base-requestor.js)."""
    moment = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    return {"Jambonz-Signature": f"t={moment},v1={digest}"}


def check(verbs: Any, allowed: frozenset[str] = frozenset(PROPERTIES)) -> None:
    """Refuse what is not in the tables above: unknown verbs, properties and types, and verbs out of place."""
    assert isinstance(verbs, list), "a document is a list of verbs"
    for verb in verbs:
        name = verb["verb"]
        assert name in PROPERTIES, f"unknown verb {name}"
        assert name in allowed, f"{name} is not allowed here"
        _check_properties(name, {key: value for key, value in verb.items() if key != "verb"})


def _check_properties(name: str, properties: Verb) -> None:
    assert REQUIRED.get(name, set()) <= set(properties), f"{name} lacks {REQUIRED[name] - set(properties)}"
    for key, value in properties.items():
        assert key in PROPERTIES[name], f"{name} has no property {key}"
        assert isinstance(value, PROPERTIES[name][key]), f"{name}: {key}={value!r}"
    nested = {"gather": ("say", "play"), "dial": ("listen",), "config": ("listen",)}
    for verb in nested.get(name, ()):
        if verb in properties:
            inside = {key: value for key, value in properties[verb].items() if (name, key) != ("config", "enable")}
            _check_properties(verb, inside)


def _taken(gather: Verb, keys: str) -> str:
    """The digits a gather hands over: up to `numDigits` or `maxDigits`, or up to `finishOnKey`."""
    finish = gather.get("finishOnKey", "")
    most = int(gather.get("numDigits") or gather.get("maxDigits") or 1000)
    taken = ""
    for position, key in enumerate(keys):
        if key == finish:
            assert position == len(keys) - 1, f"keys after {finish} are lost: {keys}"
            break
        taken += key
        if len(taken) == most:
            left = keys[position + 1 :].removeprefix(finish or "\0")
            assert not left, f"this gather takes {most} keys; lost: {left}"
            break
    return taken


def _spoken(text: str) -> str:
    assert 0 < len(text) <= LONGEST_SAY, f"a say of {len(text)} characters"
    if not text.startswith("<speak>"):
        return text
    sentences = [ET.tostring(each, encoding="unicode", method="text") for each in ET.fromstring(text).iter("s")]
    whole = "".join(ET.fromstring(text).itertext())
    return "\n".join(sentences) or whole
