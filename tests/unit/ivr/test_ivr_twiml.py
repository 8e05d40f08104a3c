"""What Twilio is sent, and what is read out of what it sends."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from ivr import flow
from ivr.carriers.base import Addresses, After, caller_number, usable_hints
from ivr.carriers.twilio import twiml
from ivr.carriers.twilio.carrier import Twilio
from ivr.flow import (
    ComeBack,
    Confer,
    Connect,
    Ended,
    Enqueue,
    HangUp,
    Heard,
    Keyed,
    Keys,
    LeaveQueue,
    Listen,
    Pace,
    Play,
    Record,
    Returned,
    Say,
    Silence,
)

pytestmark = pytest.mark.unit

SAY = '<Say language="zh-CN" voice="Polly.Zhiyu">'
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
ADDRESSES = Addresses("https://12345.example.gov.cn", "twilio", "CA1", 2, hints=("咸安区", "人工"))


def written(*instructions: flow.Instruction, waiting: bool = False) -> str:
    """What stands in the Response."""
    document = twiml.render(instructions, replace(ADDRESSES, waiting=waiting))
    return document.removeprefix(f"{DECLARATION}<Response>").removesuffix("</Response>")


def spoken(text: str) -> str:
    """The content of the Say a text becomes."""
    return written(Say(text)).removeprefix(SAY).removesuffix("</Say>")


def digits(*groups: str) -> str:
    return '<break time="200ms" />'.join(f'<say-as interpret-as="digits">{group}</say-as>' for group in groups)


def test_a_question_is_spoken_inside_the_gather_so_that_no_early_key_is_lost() -> None:
    assert written(Say("在哪里？"), Say("请说。"), Listen()) == (
        '<Gather action="/ivr/twilio/step/2" actionOnEmptyResult="true" finishOnKey="" hints="咸安区,人工" '
        'input="dtmf speech" language="cmn-Hans-CN" method="POST" numDigits="1" profanityFilter="false" '
        'speechTimeout="2" timeout="5">'
        f"{SAY}在哪里？</Say>{SAY}请说。</Say></Gather>"
    )


def test_a_number_is_collected_until_hash_with_as_much_patience_as_is_wanted() -> None:
    gather = ET.fromstring(written(Say("电话？"), Listen(Keys.NUMBER, seconds=10, pause=3)))

    assert (gather.get("numDigits"), gather.get("finishOnKey")) == ("20", "#")
    assert (gather.get("timeout"), gather.get("speechTimeout")) == ("10", "3")


def test_slow_and_loud_speech_keeps_its_numbers_digit_by_digit() -> None:
    assert written(Say("请拨12345", Pace.SLOW, loud=True)) == (
        f'{SAY}<prosody rate="80%" volume="x-loud">请拨{digits("12345")}</prosody></Say>'
    )
    assert written(Say("慢", Pace.SLOW)) == f'{SAY}<prosody rate="80%">慢</prosody></Say>'
    assert written(Say("响", loud=True)) == f'{SAY}<prosody volume="x-loud">响</prosody></Say>'


def test_a_farewell_is_spoken_and_then_the_call_ends() -> None:
    assert written(Say("再见。"), HangUp()) == f"{SAY}再见。</Say><Hangup />"


def test_a_message_is_recorded_without_american_transcription_and_silence_goes_on() -> None:
    assert written(Record(90)) == (
        '<Record action="/ivr/twilio/step/2?after=record" finishOnKey="#" maxLength="90" method="POST" '
        'playBeep="true" recordingStatusCallback="/ivr/twilio/recording" '
        'recordingStatusCallbackEvent="completed absent" recordingStatusCallbackMethod="POST" timeout="10" />'
        '<Redirect method="POST">/ivr/twilio/step/2?after=record</Redirect>'
    )


def test_a_queue_tells_what_to_play_and_where_to_go_on() -> None:
    assert written(Enqueue("citizen")) == (
        '<Enqueue action="/ivr/twilio/step/2?after=queue" method="POST" waitUrl="/ivr/twilio/wait/2" '
        'waitUrlMethod="POST">citizen</Enqueue>'
    )


def test_in_a_queue_only_keys_are_listened_for_and_the_script_asks_for_the_next_one() -> None:
    assert written(Say("请稍候。"), Play(), Listen(seconds=3), waiting=True) == (
        '<Gather action="/ivr/twilio/wait/2" actionOnEmptyResult="true" finishOnKey="" input="dtmf" method="POST" '
        f'numDigits="1" timeout="3">{SAY}请稍候。</Say><Play>https://12345.example.gov.cn/ivr/sounds/music.wav</Play>'
        '</Gather><Redirect method="POST">/ivr/twilio/wait/2</Redirect>'
    )
    assert written(LeaveQueue(), waiting=True) == "<Leave />"


@pytest.mark.parametrize(
    ("number", "noun"), [("+8671512345", "Number"), ("sip:seat7@12345.example.gov.cn", "Sip")], ids=["number", "sip"]
)
def test_a_telephone_is_rung_and_hears_the_summary_first(number: str, noun: str) -> None:
    assert written(Connect(number, 25)) == (
        '<Dial action="/ivr/twilio/step/2?after=dial" method="POST" timeout="25">'
        f'<{noun} method="POST" url="/ivr/twilio/whisper?call=CA1">{number}</{noun}></Dial>'
    )


def test_a_conference_goes_on_when_one_leaves() -> None:
    assert written(Confer("room-7")) == (
        '<Dial action="/ivr/twilio/step/2?after=room" method="POST">'
        '<Conference beep="true" endConferenceOnExit="false" startConferenceOnEnter="true">room-7</Conference></Dial>'
    )


def test_a_talk_that_is_recorded_is_told_of_as_one_of_its_call() -> None:
    def told(call: str) -> str:
        return (
            f'recordingStatusCallback="/ivr/twilio/recording?talk={call}" '
            'recordingStatusCallbackEvent="completed absent" recordingStatusCallbackMethod="POST"'
        )

    assert written(Connect("+8671512345", 25, recorded=True)).startswith(
        f'<Dial action="/ivr/twilio/step/2?after=dial" method="POST" record="record-from-answer" {told("CA1")}'
    )
    assert written(Confer("room-7", recorded_as="CA0")).startswith(
        f'<Start><Recording channels="mono" {told("CA0")} /></Start><Dial '
    )


def test_an_answer_that_is_not_ready_is_come_back_for() -> None:
    again = replace(ADDRESSES, held=2, failed=True)
    assert twiml.render([Say("请稍候。"), ComeBack()], again).endswith(
        '<Redirect method="POST">/ivr/twilio/step/2?held=2&amp;failed=1</Redirect></Response>'
    )


def test_a_system_mounted_in_a_folder_says_so_in_every_address() -> None:
    mounted = replace(ADDRESSES, base="https://example.gov.cn/12345")
    document = twiml.render([Play(), Enqueue("q")], mounted)

    assert "https://example.gov.cn/12345/ivr/sounds/music.wav" in document
    assert 'waitUrl="/12345/ivr/twilio/wait/2"' in document
    assert 'action="/12345/ivr/twilio/step/2?after=queue"' in document


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("工单号20261124-000017。", f"工单号{digits('2026', '1124', '000017')}。"),
        ("您的电话13907241234，对吗？", f"您的电话{digits('139', '0724', '1234')}，对吗？"),
        ("139****1234", digits("139", "1234")),
        ("0715-8125345", digits("0715", "8125345")),
        ("咸宁12345", f"咸宁{digits('12345')}"),
        ("温泉路88号3栋，2026年", "温泉路88号3栋，2026年"),
        ("先\n换行  空格", "先 换行 空格"),
        ("A<B & C\x00", "A&lt;B &amp; C"),
    ],
)
def test_numbers_are_read_digit_by_digit_and_the_rest_as_it_is(text: str, read: str) -> None:
    assert spoken(text) == read


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"Digits": "13907241234"}, Keyed("13907241234")),
        ({"Digits": "", "SpeechResult": "路灯坏了", "Confidence": "0.91"}, Heard("路灯坏了", 0.91)),
        ({"SpeechResult": "路灯坏了"}, Heard("路灯坏了", None)),
        ({"SpeechResult": "路灯坏了", "Confidence": "0.0"}, Heard("路灯坏了", None)),
        ({"SpeechResult": "路灯坏了", "Confidence": "high"}, Heard("路灯坏了", None)),
        ({"SpeechResult": ""}, Heard("", None)),
        ({}, Silence()),
        ({"Digits": ""}, Silence()),
    ],
)
def test_what_a_gather_brings_becomes_an_event(fields: dict[str, str], event: flow.Event) -> None:
    assert Twilio(None).event(fields, After.LISTEN, 1) == event


@pytest.mark.parametrize(
    ("result", "event"),
    [
        ("bridged", Returned(Ended.TALKED, 40)),
        ("redirected-from-bridged", None),
        ("leave", Returned(Ended.LEFT, 40)),
        ("redirected", None),
        ("queue-full", Returned(Ended.NOBODY, 40)),
        ("error", Returned(Ended.NOBODY, 40)),
        ("system-error", Returned(Ended.NOBODY, 40)),
        ("bridging-in-process", Returned(Ended.NOBODY, 40)),
        ("something new", Returned(Ended.NOBODY, 40)),
        ("hangup", None),
    ],
)
def test_the_way_out_of_a_queue_becomes_an_event(result: str, event: flow.Event | None) -> None:
    assert Twilio(None).event({"QueueResult": result, "QueueTime": "40"}, After.QUEUE, 1) == event


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"DialCallStatus": "completed", "DialCallDuration": "61"}, Returned(Ended.TALKED, 61)),
        ({"DialCallStatus": "no-answer"}, Returned(Ended.NOBODY, 0)),
        ({"DialCallStatus": "busy", "DialCallDuration": "-5"}, Returned(Ended.NOBODY, 0)),
        ({"DialCallStatus": "canceled", "DialCallDuration": "1e999"}, Returned(Ended.NOBODY, 0)),
        ({}, Returned(Ended.NOBODY, 0)),
    ],
)
def test_the_end_of_a_dialled_call_becomes_an_event(fields: dict[str, str], event: flow.Event) -> None:
    assert Twilio(None).event(fields, After.DIAL, 1) == event


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ("+8613907241234", "+8613907241234"),
        ("13907241234", "+8613907241234"),
        ("+867158125345", "+867158125345"),
        ("anonymous", None),
        ("Restricted", None),
        ("+266696687", None),
        ("+86282452253", None),
        ("12345", None),
        ("", None),
    ],
)
def test_a_caller_is_known_by_a_real_number_only(sent: str, number: str | None) -> None:
    assert caller_number(sent) == number


def test_of_a_call_we_placed_the_caller_is_whom_we_rang() -> None:
    form = {"CallSid": "CA1", "From": "+8671512345", "To": "+8613907241234", "Direction": "outbound-api"}

    assert Twilio(None).caller(form).number == "+8613907241234"


def test_hints_keep_to_what_twilio_takes() -> None:
    words = ("温泉,街道", "温泉,街道", "", "长" * 101, *(f"第{n}社区" for n in range(600)))
    many = usable_hints(words, twiml.MOST_HINTS, twiml.LONGEST_HINT, twiml.HINT_BYTES)
    names = tuple("很长的地名" * 19 + str(n) for n in range(500))
    long = usable_hints(names, twiml.MOST_HINTS, twiml.LONGEST_HINT, twiml.HINT_BYTES)

    assert many[0] == "温泉 街道"
    assert len(many) == 500
    assert not any("长" in hint for hint in many)
    assert len(",".join(long).encode()) <= twiml.HINT_BYTES
