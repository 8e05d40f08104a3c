"""The measures of understanding."""

from pathlib import Path

import pytest

from hotline.evaluation import (
    BadLabels,
    Judged,
    Labelled,
    calibration_error,
    confusions,
    defensible,
    f1_by_category,
    judged,
    measured,
    nature,
    read_labelled,
    top,
)

pytestmark = pytest.mark.unit

NOISE = Labelled("a", "", "太吵了", ("09",), ("08",), ("投诉",))
LAMP = Labelled("b", "", "路灯不亮", ("02",), (), ("求助", "投诉"))


def told(message: Labelled, *ranking: tuple[str, float], nature: str = "投诉") -> Judged:
    return Judged(message, ranking, nature)


def test_right_defensible_and_among_the_first_three_are_counted_apart() -> None:
    messages = [told(NOISE, ("08", 0.6), ("09", 0.3)), told(LAMP, ("02", 0.9))]
    assert top(1)(messages) == 0.5
    assert defensible(messages) == 1.0
    assert top(3)(messages) == 1.0
    assert nature(messages) == 1.0


def test_a_message_without_an_answer_is_wrong() -> None:
    [noise, lamp] = judged([NOISE, LAMP], [{"id": "b", "ranking": [["02", 0.9]], "nature": "求助"}])
    assert not noise.right
    assert lamp.right
    assert top(3)([noise]) == 0.0


def test_f1_counts_a_mistake_for_both_categories() -> None:
    messages = [told(NOISE, ("02", 0.6)), told(LAMP, ("02", 0.9))]
    assert f1_by_category(messages) == {"02": pytest.approx(2 / 3), "09": 0.0}
    assert confusions(messages, 5) == [("09", "02", 1)]


def test_confidence_that_holds_has_no_calibration_error() -> None:
    sure = [told(LAMP, ("02", 1.0))] * 4
    assert calibration_error(sure) == 0.0
    assert calibration_error([told(NOISE, ("02", 1.0)), *sure]) == pytest.approx(0.2)


def test_an_interval_holds_its_value_and_is_the_same_every_time() -> None:
    messages = [told(NOISE, ("02", 0.6)), told(LAMP, ("02", 0.9))] * 20
    found = measured(top(1), messages)
    assert found == measured(top(1), messages)
    assert found.low <= found.value == 0.5 <= found.high
    assert found.low < found.high


@pytest.mark.parametrize("content", ["", "not json\n", '{"id":"a","text":"x"}\n'])
def test_a_file_without_labels_is_refused_with_its_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(BadLabels, match=r"labelled\.jsonl"):
        read_labelled(path)
