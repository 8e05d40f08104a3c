"""What Twilio is sent, and what is read out of what it sends."""

import xml.etree.ElementTree as ET

import pytest

from ivr import flow, twilio
from ivr.flow import HangUp, Heard, Keyed, Keys, Listen, Say, Silence

pytestmark = pytest.mark.unit

SAY = '<Say language="zh-CN" voice="Polly.Zhiyu">'
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def spoken(text: str) -> str:
    """The content of the Say a text becomes."""
    document = twilio.render([Say(text)], "/", "")
    return document.removeprefix(f"{DECLARATION}<Response>{SAY}").removesuffix("</Say></Response>")


def digits(*groups: str) -> str:
    return '<break time="200ms" />'.join(f'<say-as interpret-as="digits">{group}</say-as>' for group in groups)


def test_a_question_is_spoken_inside_the_gather_so_that_no_early_key_is_lost() -> None:
    document = twilio.render([Say("在哪里？"), Say("请说。"), Listen()], "/ivr/twilio/step/2", "咸安区,人工")

    assert document == (
        f"{DECLARATION}<Response>"
        '<Gather action="/ivr/twilio/step/2" actionOnEmptyResult="true" finishOnKey="" hints="咸安区,人工" '
        'input="dtmf speech" language="cmn-Hans-CN" method="POST" numDigits="1" profanityFilter="false" '
        'speechTimeout="2" timeout="5">'
        f"{SAY}在哪里？</Say>{SAY}请说。</Say></Gather></Response>"
    )


def test_a_number_is_collected_until_hash_with_more_patience() -> None:
    document = twilio.render([Say("电话？"), Listen(Keys.NUMBER, seconds=10)], "/ivr/twilio/step/2", "")

    gather = ET.fromstring(document)[0]
    assert (gather.get("numDigits"), gather.get("finishOnKey"), gather.get("timeout")) == ("20", "#", "10")
    assert "hints" not in gather.attrib


def test_a_farewell_is_spoken_and_then_the_call_ends() -> None:
    assert twilio.render([Say("再见。"), HangUp()], "/", "") == (
        f"{DECLARATION}<Response>{SAY}再见。</Say><Hangup /></Response>"
    )


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
        (("13907241234", None, None), Keyed("13907241234")),
        (("", "路灯坏了", "0.91"), Heard("路灯坏了", 0.91)),
        ((None, "路灯坏了", None), Heard("路灯坏了", None)),
        ((None, "路灯坏了", "0.0"), Heard("路灯坏了", None)),
        ((None, "路灯坏了", "high"), Heard("路灯坏了", None)),
        ((None, "", None), Heard("", None)),
        ((None, None, None), Silence()),
        (("", None, None), Silence()),
    ],
)
def test_what_a_gather_brings_becomes_an_event(
    fields: tuple[str | None, str | None, str | None], event: flow.Event
) -> None:
    assert twilio.event_of(*fields) == event


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
    assert twilio.caller_number(sent) == number


def test_hints_keep_to_what_twilio_takes() -> None:
    many = twilio.usable_hints(["温泉,街道", "温泉,街道", "", "长" * 101, *(f"第{n}社区" for n in range(600))])
    long = twilio.usable_hints("很长的地名" * 19 + str(n) for n in range(500))

    assert many.split(",")[0] == "温泉 街道"
    assert len(many.split(",")) == 500
    assert "长" not in many
    assert len(long.encode()) <= twilio.HINT_BYTES
