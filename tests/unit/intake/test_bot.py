"""How Rasa's messages become one answer."""

import pytest

from intake.bot import _answer
from intake.messages import Button, Expects

pytestmark = pytest.mark.unit


def test_texts_become_replies_and_custom_parts_say_what_they_mean() -> None:
    answer = _answer(
        [
            {"recipient_id": "x", "custom": {"draft": {"text": "吵"}}},
            {"text": "这个电话号码不对。"},
            {"text": "请留一个联系电话。"},
            {"custom": {"expects": "phone"}},
        ]
    )
    assert [reply.text for reply in answer.replies] == ["这个电话号码不对。", "请留一个联系电话。"]
    assert [reply.expects for reply in answer.replies] == [Expects.SPEECH, Expects.PHONE]
    assert answer.draft == {"text": "吵"}


def test_buttons_become_choices() -> None:
    answer = _answer([{"text": "哪一类？", "buttons": [{"title": "市政设施", "payload": "市政设施"}]}])
    assert answer.replies[0].buttons == (Button("市政设施", "市政设施"),)
    assert answer.replies[0].expects is Expects.CHOICE


def test_an_order_that_could_not_be_filed_is_handed_to_a_person() -> None:
    answer = _answer([{"text": "暂时没有回应"}, {"custom": {"unfiled": True, "draft": {"text": "吵"}}}])
    assert answer.degraded


@pytest.mark.parametrize("messages", [[], [{"custom": {"draft": None}}]])
def test_no_text_is_no_answer(messages: list[dict[str, object]]) -> None:
    with pytest.raises(ValueError, match="no reply"):
        _answer(messages)
