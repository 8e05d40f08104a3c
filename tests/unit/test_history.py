"""An operator's past orders, from a spreadsheet to training data."""

from pathlib import Path

import pytest
import yaml

from core.city import City
from hotline.cross_validation import f1_by_label
from hotline.history import BadHistory, PastOrder, keep_history, read_past_orders

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_file_is_read_as_a_spreadsheet_program_saves_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text('number,category,text\r\n1,02,"路灯不亮，\r\n三天了"\r\n2,03,房子漏水\r\n', encoding)
    assert read_past_orders(path) == [PastOrder("路灯不亮，\n三天了", "02"), PastOrder("房子漏水", "03")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no column text and no column category"),
        (b"a,b\n1,2\n", "it has a, b"),
        (b"text,category\n", "no rows"),
        ("text,category\n路灯,\n".encode(), "line 2: category is empty"),
        (b"text,category\n\xff\xfe\xfd,02\n", "neither UTF-8 nor GB 18030"),
    ],
)
def test_a_file_that_is_no_history_is_refused_with_the_reason(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    with pytest.raises(BadHistory, match=told):
        read_past_orders(path)


def test_a_category_is_known_by_id_name_or_slug_and_identifying_numbers_are_left_out(
    tmp_path: Path, city: City
) -> None:
    orders = [
        PastOrder("路灯不亮，电话13871234567", "02"),
        PastOrder("路灯不亮，电话13871234568", "市政设施"),
        PastOrder("拖欠工资[三个月](money)", "employment"),
        PastOrder("/不作为", "22"),
    ]
    kept = tmp_path / "data" / "history.yml"
    assert keep_history(orders, city, kept) == 3
    blocks = yaml.safe_load(kept.read_text("utf-8"))["nlu"]
    texts = {block["intent"]: [example["text"] for example in block["examples"]] for block in blocks}
    assert texts == {
        "municipal_facilities": ["路灯不亮，电话*"],
        "employment": ["拖欠工资（三个月）(money)"],
        "conduct_justice": ["不作为"],
    }
    assert all(block["metadata"] == {"history": True} for block in blocks)
    assert kept.stat().st_mode & 0o077 == 0


def test_an_unknown_category_is_named(tmp_path: Path, city: City) -> None:
    with pytest.raises(BadHistory, match="category 路灯: not known"):
        keep_history([PastOrder("路灯不亮", "路灯")], city, tmp_path / "history.yml")


def test_f1_counts_what_is_missed_and_what_is_taken_wrongly() -> None:
    assert f1_by_label([["a", "a"], ["a", "b"], ["b", "b"]]) == {"a": pytest.approx(2 / 3), "b": pytest.approx(2 / 3)}
