"""Twilio's side of the phone: signed form posts in, TwiML out. Nothing else in the project knows either."""

import re
from collections.abc import Iterable, Sequence

import phonenumbers
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Gather, Say, VoiceResponse

from ivr import flow
from ivr.calls import Outcome

# The recogniser's code and the voice's code differ: Google takes cmn-Hans-CN, <Say> takes zh-CN. No speechModel is
# named, so that Twilio can change over when one provider fails.
SPEECH_LANGUAGE = "cmn-Hans-CN"
VOICE_LANGUAGE = "zh-CN"
VOICE = "Polly.Zhiyu"
LONGEST_NUMBER = 20

SHORTEST_NUMBER = 5
LONGEST_GROUP = 7

# Twilio takes 500 hints of 100 characters, but a whole document of only 64 kB.
MOST_HINTS = 500
LONGEST_HINT = 100
HINT_BYTES = 24_000

OUTCOMES = {
    "completed": Outcome.CALLER_LEFT,
    "busy": Outcome.NOT_CONNECTED,
    "failed": Outcome.NOT_CONNECTED,
    "no-answer": Outcome.NOT_CONNECTED,
    "canceled": Outcome.NOT_CONNECTED,
}

_NUMBER = re.compile(r"[0-9][0-9*\- ]*[0-9]")
_GAP = re.compile(r"[*\- ]+")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_signed(url: str, form: object, signature: str, token: str) -> bool:
    """Whether Twilio signed this very request: its full public URL and all its form fields."""
    return bool(RequestValidator(token).validate(url, form, signature))


def caller_number(sent: str) -> str | None:
    """The calling number in E.164; None where it is withheld or no real number (`anonymous`, +266696687)."""
    try:
        number = phonenumbers.parse(sent, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def event_of(digits: str | None, speech: str | None, confidence: str | None) -> flow.Event:
    """What a Gather brought: keys before speech; speech that is there but empty was not understood."""
    if digits:
        return flow.Keyed(digits)
    if speech is not None:
        return flow.Heard(speech, _confidence(confidence))
    return flow.Silence()


def usable_hints(words: Iterable[str]) -> str:
    """As many of the words, in their order, as Twilio takes; commas inside a word would cut it in two."""
    hints: list[str] = []
    size = 0
    for word in dict.fromkeys(re.sub(r"[,，\s]+", " ", word).strip() for word in words):
        size += len(word.encode()) + 1
        if len(hints) == MOST_HINTS or size > HINT_BYTES:
            break
        if 0 < len(word) <= LONGEST_HINT:
            hints.append(word)
    return ",".join(hints)


def render(instructions: Sequence[flow.Instruction], action: str, hints: str) -> str:
    """The TwiML of the instructions; what is said before listening stands in the Gather, so that early keys count."""
    response = VoiceResponse()
    waiting: list[flow.Say] = []
    for instruction in instructions:
        match instruction:
            case flow.Say():
                waiting.append(instruction)
            case flow.Listen():
                gather = _gather(instruction, action, hints)
                _speak(gather, waiting)
                response.append(gather)
                waiting = []
            case flow.HangUp():
                _speak(response, waiting)
                response.hangup()
                waiting = []
            case flow.ComeBack():
                _speak(response, waiting)
                response.redirect(action, method="POST")
                waiting = []
            case _:
                raise NotImplementedError(instruction)
    _speak(response, waiting)
    return str(response)


def _gather(listen: flow.Listen, action: str, hints: str) -> Gather:
    number = listen.keys is flow.Keys.NUMBER
    return Gather(
        input="dtmf speech",
        action=action,
        method="POST",
        action_on_empty_result=True,
        timeout=listen.seconds,
        num_digits=LONGEST_NUMBER if number else 1,
        finish_on_key="#" if number else "",
        language=SPEECH_LANGUAGE,
        speech_timeout=listen.pause,
        profanity_filter=False,
        hints=hints or None,
    )


def _speak(parent: Gather | VoiceResponse, said: Sequence[flow.Say]) -> None:
    for each in said:
        parent.append(_say(each.text))


def _say(text: str) -> Say:
    """The text as speech; runs of five and more digits are read digit by digit, long ones in groups."""
    say = Say(voice=VOICE, language=VOICE_LANGUAGE)
    text = _NOT_XML.sub("", " ".join(text.split()))
    end = 0
    for run in _NUMBER.finditer(text):
        if sum(c.isdecimal() for c in run.group()) >= SHORTEST_NUMBER:
            _append_text(say, text[end : run.start()])
            _append_digits(say, run.group())
            end = run.end()
    _append_text(say, text[end:])
    return say


def _append_text(say: Say, text: str) -> None:
    if text:
        say.nest(text)


def _append_digits(say: Say, run: str) -> None:
    groups = [group for part in _GAP.split(run) for group in _in_fours(part)]
    for position, group in enumerate(groups):
        if position:
            say.break_(time="200ms")
        say.say_as(group, interpret_as="digits")


def _in_fours(digits: str) -> list[str]:
    """Groups of four from the right, as people dictate a number: 139 0724 1234; a short run stays whole."""
    if len(digits) <= LONGEST_GROUP:
        return [digits]
    first = len(digits) % 4
    return [digits[:first]] * bool(first) + [digits[i : i + 4] for i in range(first, len(digits), 4)]


def _confidence(sent: str | None) -> float | None:
    """The recogniser's confidence. Google sends 0.0 for "not known", so that is None as well."""
    try:
        return float(sent or "") or None
    except ValueError:
        return None
