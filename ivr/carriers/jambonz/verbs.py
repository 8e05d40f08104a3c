"""Instructions as jambonz's verbs. The vendors of voice and recogniser are those of the application set up there."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from ivr import flow
from ivr.carriers import speech
from ivr.carriers.base import Addresses, After, usable_hints

Verb = dict[str, Any]
Key = Callable[[str], str]
"""What lets the audio of a call in at our websocket."""

LONGEST_NUMBER = 20
SECONDS_BETWEEN_KEYS = 3
SECONDS_OF_THINKING = 10
"""Silence that ends a message: people who tell a story pause."""
SAMPLE_RATE = 8000
MOST_HINTS = 500
LONGEST_HINT = 100
HINT_BYTES = 24_000

_Spoken = flow.Say | flow.Play
NO_KEYS_IN_BACKGROUND: Verb = {"verb": "config", "bargeIn": {"enable": False}}


class Renderer:
    """Writes documents; `ssml`: the voice understands SSML."""

    def __init__(self, *, ssml: bool = True) -> None:
        self._ssml = ssml

    def render(self, instructions: Sequence[flow.Instruction], addresses: Addresses, key: Key) -> str:
        """The verbs of the instructions, as JSON.

        A queue takes no `gather`: keys pressed in it come from one that listens in the background, which is ended by
        the document that follows the queue. A script in a queue is cut at its Listen.
        """
        if addresses.keyed:
            return json.dumps(_after_key(instructions, addresses))
        if addresses.waiting:
            return json.dumps(self._waiting(instructions, addresses), ensure_ascii=False)
        verbs: list[Verb] = [NO_KEYS_IN_BACKGROUND] if addresses.after is After.QUEUE else []
        before: list[_Spoken] = []
        for instruction in instructions:
            if isinstance(instruction, _Spoken):
                before.append(instruction)
            elif isinstance(instruction, flow.Listen):
                verbs += self._listen(instruction, before, addresses)
                before = []
            else:
                verbs += [*self._all_spoken(before, addresses), *_do(instruction, addresses, key)]
                before = []
        return json.dumps([*verbs, *self._all_spoken(before, addresses)], ensure_ascii=False)

    def _waiting(self, instructions: Sequence[flow.Instruction], addresses: Addresses) -> list[Verb]:
        verbs: list[Verb] = []
        for instruction in instructions:
            if isinstance(instruction, _Spoken):
                verbs += self._all_spoken([instruction], addresses)
            elif isinstance(instruction, flow.Listen):
                verbs.append({"verb": "pause", "length": instruction.seconds})
            elif isinstance(instruction, flow.LeaveQueue):
                return [*verbs, {"verb": "leave"}]
        return verbs

    def _listen(self, listen: flow.Listen, before: Sequence[_Spoken], addresses: Addresses) -> list[Verb]:
        number = listen.keys is flow.Keys.NUMBER
        said = [each for each in before if isinstance(each, flow.Say)]
        played = [each for each in before if isinstance(each, flow.Play)]
        hints = usable_hints(addresses.hints, MOST_HINTS, LONGEST_HINT, HINT_BYTES)
        gather: Verb = {
            "verb": "gather",
            "actionHook": addresses.next(),
            "input": ["digits", "speech"],
            "timeout": listen.seconds,
            "speechTimeout": listen.pause,
            "listenDuringPrompt": True,
            "bargein": True,
            "dtmfBargein": True,
            "recognizer": {"vendor": "default", "language": "default", "profanityFilter": False},
        }
        gather |= (
            {"maxDigits": LONGEST_NUMBER, "finishOnKey": "#", "interDigitTimeout": SECONDS_BETWEEN_KEYS}
            if number
            else {"numDigits": 1}
        )
        if hints:
            gather["recognizer"]["hints"] = list(hints)
        if said:
            gather["say"] = {"text": self._text(said)}
        return [*self._all_spoken(played, addresses), gather]

    def _all_spoken(self, spoken: Sequence[_Spoken], addresses: Addresses) -> list[Verb]:
        return [
            {"verb": "play", "url": addresses.sound(each.sound)}
            if isinstance(each, flow.Play)
            else {"verb": "say", "text": self._text([each])}
            for each in spoken
        ]

    def _text(self, said: Sequence[flow.Say]) -> str:
        if not self._ssml:
            return "\n".join(_plain(each) for each in said)
        sentences = "".join(f"<s>{_ssml(each)}</s>" for each in said)
        return f"<speak>{sentences}</speak>"


def redirect(address: str) -> str:
    """Go on with another script."""
    return json.dumps([{"verb": "redirect", "actionHook": address}])


def _after_key(instructions: Sequence[flow.Instruction], addresses: Addresses) -> list[Verb]:
    """In answer to a key pressed in a queue: any verb takes the call out of the queue, and none lets it wait on."""
    if any(isinstance(each, flow.LeaveQueue) for each in instructions):
        return [{"verb": "redirect", "actionHook": addresses.next(After.QUEUE)}]
    return [{"verb": "hangup"}] if any(isinstance(each, flow.HangUp) for each in instructions) else []


def _do(instruction: flow.Instruction, addresses: Addresses, key: Key) -> list[Verb]:
    match instruction:
        case flow.Record():
            return [_record(instruction, addresses, key)]
        case flow.Enqueue():
            return _enqueue(instruction, addresses)
        case flow.Connect():
            return [_connect(instruction, addresses, key)]
        case flow.Confer():
            room: Verb = {"verb": "conference", "name": instruction.room, "beep": True}
            room |= {"startConferenceOnEnter": True, "endConferenceOnExit": instruction.ends}
            return [*_recording(instruction, addresses, key), {**room, "actionHook": addresses.next(After.ROOM)}]
        case flow.LeaveQueue():
            return [{"verb": "leave"}]
        case flow.ComeBack():
            return [{"verb": "redirect", "actionHook": addresses.again}]
        case flow.HangUp():
            return [{"verb": "hangup"}]
    raise TypeError(instruction)


def _record(record: flow.Record, addresses: Addresses, key: Key) -> Verb:
    return {
        "verb": "listen",
        **_sent_to(f"{addresses.recording}/{addresses.step}", addresses.call_sid, addresses, key),
        "actionHook": addresses.next(After.RECORD),
        "mixType": "mono",
        "playBeep": True,
        "maxLength": record.seconds,
        "finishOnKey": "#",
        "timeout": SECONDS_OF_THINKING,
    }


def _recording(confer: flow.Confer, addresses: Addresses, key: Key) -> list[Verb]:
    """In the background until the call ends: feature servers before MediaJam take no `listen` in `conference`."""
    if confer.recorded_as is None:
        return []
    return [{"verb": "config", "listen": {"enable": True, **_talk(confer.recorded_as, addresses, key)}}]


def _talk(call_sid: str, addresses: Addresses, key: Key) -> Verb:
    """`mixed`: who is on the line, and whom they hear."""
    return {**_sent_to(addresses.path("talk"), call_sid, addresses, key), "mixType": "mixed"}


def _sent_to(path: str, call_sid: str, addresses: Addresses, key: Key) -> Verb:
    """Jambonz keeps no audio: `listen` sends it to us while it is spoken."""
    return {
        "url": addresses.absolute(path).replace("http", "ws", 1),
        "wsAuth": {"username": call_sid, "password": key(call_sid)},
        "sampleRate": SAMPLE_RATE,
        "bidirectionalAudio": {"enabled": False},
    }


def _enqueue(enqueue: flow.Enqueue, addresses: Addresses) -> list[Verb]:
    # Feature servers before 0.9 do not tell in a waitHook whose call it is.
    wait = addresses.path(f"wait/{addresses.step}", {"call": addresses.call_sid})
    keys: Verb = {"enable": True, "sticky": True, "input": ["digits"], "numDigits": 1, "actionHook": wait}
    queue = {"verb": "enqueue", "name": enqueue.queue, "actionHook": addresses.next(After.QUEUE)}
    return [{"verb": "config", "bargeIn": keys}, {**queue, "waitHook": wait}]


def _connect(connect: flow.Connect, addresses: Addresses, key: Key) -> Verb:
    sip = connect.number.startswith("sip:")
    target = {"type": "sip", "sipUri": connect.number} if sip else {"type": "phone", "number": connect.number}
    hooks = {"actionHook": addresses.next(After.DIAL), "confirmHook": addresses.whisper}
    recording = {"listen": _talk(addresses.call_sid, addresses, key)} if connect.recorded else {}
    return {"verb": "dial", "target": [target], "timeout": connect.seconds, **hooks, **recording}


def _ssml(said: flow.Say) -> str:
    text = "".join(
        escape(part.text)
        if isinstance(part, speech.Words)
        else '<break time="200ms"/>'.join(f'<say-as interpret-as="digits">{each}</say-as>' for each in part.groups)
        for part in speech.parts(said.text)
    )
    manner = (' rate="slow"' if said.pace is flow.Pace.SLOW else "") + (' volume="x-loud"' if said.loud else "")
    return f"<prosody{manner}>{text}</prosody>" if manner else text


def _plain(said: flow.Say) -> str:
    """For a voice without SSML: digits stand apart, so that none reads them as one large number."""
    return "".join(
        part.text if isinstance(part, speech.Words) else "，".join(" ".join(group) for group in part.groups)
        for part in speech.parts(said.text)
    )
