"""Instructions as TwiML."""

from collections.abc import Callable, Sequence
from typing import Any

from twilio.twiml.voice_response import Dial, Enqueue, Gather, Record, Say, Start, VoiceResponse

from ivr import flow
from ivr.carriers import speech
from ivr.carriers.base import Addresses, After, usable_hints

# The recogniser's code and the voice's code differ: Google takes cmn-Hans-CN, <Say> takes zh-CN. No speechModel is
# named, so that Twilio can change over when one provider fails.
SPEECH_LANGUAGE = "cmn-Hans-CN"
VOICE_LANGUAGE = "zh-CN"
VOICE = "Polly.Zhiyu"
LONGEST_NUMBER = 20
SECONDS_OF_THINKING = 10
"""Silence that ends a message: people who tell a story pause."""

# Twilio takes 500 hints of 100 characters, but a whole document of only 64 kB.
MOST_HINTS = 500
LONGEST_HINT = 100
HINT_BYTES = 24_000

SLOW = "80%"
LOUD = "x-loud"

_Spoken = flow.Say | flow.Play


def render(instructions: Sequence[flow.Instruction], addresses: Addresses) -> str:
    """The TwiML of the instructions; what is said before listening stands in the Gather, so that early keys count.

    In a queue only keys are listened for, since people talk to others while they wait; and the document ends by asking
    for itself again, unless it ends the waiting.
    """
    response = VoiceResponse()
    before: list[_Spoken] = []
    for instruction in instructions:
        if isinstance(instruction, _Spoken):
            before.append(instruction)
        elif isinstance(instruction, flow.Listen):
            gather = _gather(instruction, addresses)
            _speak(gather, before, addresses)
            response.append(gather)
            before = []
        else:
            _speak(response, before, addresses)
            _do(response, instruction, addresses)
            before = []
    _speak(response, before, addresses)
    if addresses.waiting and not any(isinstance(each, flow.LeaveQueue | flow.HangUp) for each in instructions):
        response.redirect(addresses.wait, method="POST")
    return str(response)


def redirect(address: str) -> str:
    """Go on with another document."""
    response = VoiceResponse()
    response.redirect(address, method="POST")
    return str(response)


def _do(response: VoiceResponse, instruction: flow.Instruction, addresses: Addresses) -> None:
    match instruction:
        case flow.Record():
            response.append(_record(instruction, addresses))
            # Nothing was said: Twilio goes on with the next verb and asks no action.
            response.redirect(addresses.next(After.RECORD), method="POST")
        case flow.Enqueue():
            queue = {"action": addresses.next(After.QUEUE), "wait_url": addresses.wait}
            response.append(Enqueue(name=instruction.queue, method="POST", wait_url_method="POST", **queue))
        case flow.Connect():
            response.append(_connect(instruction, addresses))
        case flow.Confer():
            if instruction.recorded_as is not None:
                start = Start()
                start.recording(channels="mono", **_told_of_recording(addresses.talk(instruction.recorded_as)))
                response.append(start)
            dial = Dial(action=addresses.next(After.ROOM), method="POST")
            dial.conference(
                instruction.room, beep="true", start_conference_on_enter=True, end_conference_on_exit=instruction.ends
            )
            response.append(dial)
        case flow.LeaveQueue():
            response.leave()
        case flow.ComeBack():
            response.redirect(addresses.again, method="POST")
        case flow.HangUp():
            response.hangup()


def _gather(listen: flow.Listen, addresses: Addresses) -> Gather:
    number = listen.keys is flow.Keys.NUMBER
    keys = {
        "method": "POST",
        "action_on_empty_result": True,
        "timeout": listen.seconds,
        "num_digits": LONGEST_NUMBER if number else 1,
        "finish_on_key": "#" if number else "",
    }
    if addresses.waiting:
        return Gather(input="dtmf", action=addresses.wait, **keys)
    hints = usable_hints(addresses.hints, MOST_HINTS, LONGEST_HINT, HINT_BYTES)
    return Gather(
        input="dtmf speech",
        action=addresses.next(),
        **keys,
        language=SPEECH_LANGUAGE,
        speech_timeout=listen.pause,
        profanity_filter=False,
        hints=",".join(hints) or None,
    )


def _record(record: flow.Record, addresses: Addresses) -> Record:
    return Record(
        action=addresses.next(After.RECORD),
        method="POST",
        timeout=SECONDS_OF_THINKING,
        finish_on_key="#",
        max_length=record.seconds,
        play_beep=True,
        **_told_of_recording(addresses.recording),
    )


def _told_of_recording(address: str) -> dict[str, str]:
    return {
        "recording_status_callback": address,
        "recording_status_callback_method": "POST",
        "recording_status_callback_event": "completed absent",
    }


def _connect(connect: flow.Connect, addresses: Addresses) -> Dial:
    recording: dict[str, str] = {}
    if connect.recorded:
        told = _told_of_recording(addresses.talk(addresses.call_sid))
        recording = {"record": "record-from-answer", **told}
    dial = Dial(action=addresses.next(After.DIAL), method="POST", timeout=connect.seconds, **recording)
    add: Callable[..., Any] = dial.sip if connect.number.startswith("sip:") else dial.number
    add(connect.number, url=addresses.whisper, method="POST")
    return dial


def _speak(parent: Gather | VoiceResponse, spoken: Sequence[_Spoken], addresses: Addresses) -> None:
    for each in spoken:
        if isinstance(each, flow.Play):
            parent.play(addresses.sound(each.sound))
        else:
            parent.append(_say(each))


def _say(said: flow.Say) -> Say:
    say = Say(voice=VOICE, language=VOICE_LANGUAGE)
    manner = {"rate": SLOW} if said.pace is flow.Pace.SLOW else {}
    if said.loud:
        manner["volume"] = LOUD
    inside = say.prosody(None, **manner) if manner else say
    for part in speech.parts(said.text):
        if isinstance(part, speech.Words):
            inside.nest(part.text)
            continue
        for position, group in enumerate(part.groups):
            if position:
                inside.break_(time="200ms")
            inside.say_as(group, interpret_as="digits")
    return say
