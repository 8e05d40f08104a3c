"""What jambonz is sent."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ivr import flow
from ivr.carriers.base import Addresses, After
from ivr.carriers.jambonz.verbs import NO_KEYS_IN_BACKGROUND, Renderer
from ivr.flow import (
    ComeBack,
    Confer,
    Connect,
    Enqueue,
    HangUp,
    Keys,
    LeaveQueue,
    Listen,
    Pace,
    Play,
    Record,
    Say,
)
from tests.jambonz import PROPERTIES, WAITING, check
from tests.others import jambonz_faults

pytestmark = pytest.mark.unit

ADDRESSES = Addresses("https://12345.example.gov.cn", "jambonz", "call-1", 2, hints=("咸安区", "人工"))


def written(*instructions: flow.Instruction, ssml: bool = True, **about: Any) -> list[dict[str, Any]]:
    """The verbs, which jambonz would take."""
    verbs = json.loads(
        Renderer(ssml=ssml).render(instructions, replace(ADDRESSES, **about), lambda call: f"key of {call}")
    )
    check(verbs, WAITING if about.get("waiting") and not about.get("keyed") else frozenset(PROPERTIES))
    return list(verbs)


def test_a_question_is_spoken_inside_the_gather_and_speech_and_keys_break_in() -> None:
    assert written(Say("在哪里？"), Say("请说。"), Listen()) == [
        {
            "verb": "gather",
            "actionHook": "/ivr/jambonz/step/2",
            "input": ["digits", "speech"],
            "timeout": 5,
            "speechTimeout": 2,
            "listenDuringPrompt": True,
            "bargein": True,
            "dtmfBargein": True,
            "recognizer": {
                "vendor": "default",
                "language": "default",
                "profanityFilter": False,
                "hints": ["咸安区", "人工"],
            },
            "numDigits": 1,
            "say": {"text": "<speak><s>在哪里？</s><s>请说。</s></speak>"},
        }
    ]


def test_a_number_is_collected_until_hash_or_a_pause() -> None:
    [gather] = written(Listen(Keys.NUMBER, seconds=10, pause=3))

    assert (gather["finishOnKey"], gather["maxDigits"], gather["interDigitTimeout"]) == ("#", 20, 3)
    assert (gather["timeout"], gather["speechTimeout"]) == (10, 3)
    assert "numDigits" not in gather


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (
            Say("请拨12345", Pace.SLOW, loud=True),
            '<s><prosody rate="slow" volume="x-loud">请拨<say-as interpret-as="digits">12345</say-as></prosody></s>',
        ),
        (Say("A<B & C\x00"), "<s>A&lt;B &amp; C</s>"),
        (
            Say("139****1234"),
            '<s><say-as interpret-as="digits">139</say-as><break time="200ms"/>'
            '<say-as interpret-as="digits">1234</say-as></s>',
        ),
    ],
)
def test_a_sentence_is_marked_up_as_it_is_to_be_spoken(said: Say, text: str) -> None:
    assert written(said) == [{"verb": "say", "text": f"<speak>{text}</speak>"}]


def test_a_voice_without_markup_reads_digits_apart() -> None:
    assert written(Say("请拨13907241234。", Pace.SLOW), ssml=False) == [
        {"verb": "say", "text": "请拨1 3 9，0 7 2 4，1 2 3 4。"}
    ]


def test_a_message_is_sent_to_us_while_it_is_spoken() -> None:
    [listen] = written(Record(90))

    assert listen["url"] == "wss://12345.example.gov.cn/ivr/jambonz/recording/2"
    assert listen["wsAuth"] == {"username": "call-1", "password": "key of call-1"}
    assert (listen["maxLength"], listen["finishOnKey"], listen["playBeep"]) == (90, "#", True)
    assert listen["actionHook"] == "/ivr/jambonz/step/2?after=record"


def test_keys_in_a_queue_are_listened_for_in_the_background_until_it_is_left() -> None:
    config, enqueue = written(Enqueue("citizen"))

    assert config["bargeIn"]["input"] == ["digits"]
    assert config["bargeIn"]["actionHook"] == enqueue["waitHook"] == "/ivr/jambonz/wait/2?call=call-1"
    assert enqueue["actionHook"] == "/ivr/jambonz/step/2?after=queue"
    assert written(Say("请说。"), Listen(), after=After.QUEUE)[0] == NO_KEYS_IN_BACKGROUND


def test_a_waiting_script_has_only_what_a_queue_takes() -> None:
    verbs = written(Say("您前面还有1位。"), Play(), Listen(seconds=3), waiting=True)

    assert [verb["verb"] for verb in verbs] == ["say", "play", "pause"]
    assert verbs[1]["url"] == "https://12345.example.gov.cn/ivr/sounds/music.wav"
    assert written(Say("好的。"), LeaveQueue(), Play(), waiting=True)[1:] == [{"verb": "leave"}]


def test_a_key_in_a_queue_either_ends_the_waiting_or_disturbs_nothing() -> None:
    assert written(LeaveQueue(), waiting=True, keyed=True) == [
        {"verb": "redirect", "actionHook": "/ivr/jambonz/step/2?after=queue"}
    ]
    assert written(HangUp(), waiting=True, keyed=True) == [{"verb": "hangup"}]
    assert written(Say("请继续等候。"), Play(), waiting=True, keyed=True) == []


def test_the_rest_goes_on_where_it_should() -> None:
    assert written(Connect("+8671512345", 25)) == [
        {
            "verb": "dial",
            "target": [{"type": "phone", "number": "+8671512345"}],
            "timeout": 25,
            "actionHook": "/ivr/jambonz/step/2?after=dial",
            "confirmHook": "/ivr/jambonz/whisper?call=call-1",
        }
    ]
    assert written(Connect("sip:a@b"))[0]["target"] == [{"type": "sip", "sipUri": "sip:a@b"}]
    assert written(Confer("room-7"))[0]["actionHook"] == "/ivr/jambonz/step/2?after=room"
    assert written(Say("请稍候。"), ComeBack(), held=2)[1]["actionHook"] == "/ivr/jambonz/step/2?held=2"
    assert written(Say("再见。"), HangUp())[1] == {"verb": "hangup"}


def test_a_talk_that_is_recorded_is_sent_to_us_from_the_citizens_line() -> None:
    to_us = {
        "url": "wss://12345.example.gov.cn/ivr/jambonz/talk",
        "wsAuth": {"username": "call-1", "password": "key of call-1"},
        "sampleRate": 8000,
        "bidirectionalAudio": {"enabled": False},
        "mixType": "mixed",
    }
    [dial] = written(Connect("+8671512345", recorded=True))
    assert dial["listen"] == to_us
    config, conference = written(Confer("room-7", recorded_as="call-0"))
    of_another = {**to_us, "wsAuth": {"username": "call-0", "password": "key of call-0"}}
    assert (config, conference["verb"]) == (
        {"verb": "config", "listen": {"enable": True, **of_another}},
        "conference",
    )


def test_jambonz_itself_finds_no_fault_with_any_of_it() -> None:
    scripts: list[tuple[tuple[flow.Instruction, ...], dict[str, Any]]] = [
        ((Say("您好。", Pace.SLOW, loud=True), Play(), Listen()), {}),
        ((Listen(Keys.NUMBER),), {"after": After.QUEUE}),
        ((Record(),), {}),
        ((Enqueue("q"),), {}),
        ((Connect("+8671512345"),), {}),
        ((Connect("sip:a@b"),), {}),
        ((Connect("sip:a@b", recorded=True),), {}),
        ((Confer("room"),), {}),
        ((Confer("room", recorded_as="call-0"),), {}),
        ((LeaveQueue(),), {"waiting": True}),
        ((LeaveQueue(),), {"waiting": True, "keyed": True}),
        ((Say("x"), Listen()), {"waiting": True}),
        ((ComeBack(),), {"held": 1}),
        ((HangUp(),), {}),
    ]
    lines = [{"what": "verbs", "value": written(*script, **about)} for script, about in scripts]

    assert jambonz_faults(lines) == ""
