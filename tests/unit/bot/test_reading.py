"""What is read out of a sentence by rule."""

import pytest

from bot.actions.city import City
from bot.actions.reading import (
    find_area,
    find_company,
    find_credit_code,
    find_name,
    find_phone,
    find_place,
    find_time,
    masked_phone,
)

pytestmark = pytest.mark.unit

CITY = City()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("温泉街道的路灯坏了", "421202001"),
        ("我在咸安", "421202"),
        ("鹹安區溫泉街道", "421202001"),
        ("咸宁市咸安区温泉街道", "421202001"),
        ("咸宁市", None),
        ("赤壁市蒲圻街道", "421281001"),
        ("赤壁镇老街", "421281104"),
        ("通山县大畈镇板桥村", "421224107"),
        ("咸安区泉塘社区门口", "421202001015"),
        ("大坪村的路", None),
        ("外省的事", None),
        ("", None),
    ],
)
def test_the_smallest_area_named_without_doubt_is_found(text: str, code: str | None) -> None:
    found = find_area(text, CITY)
    assert found == code or (code is not None and found is not None and found.startswith(code))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("我家住在赤壁市蒲圻街道河北大道，晚上广场舞太吵", "河北大道"),
        ("淦河大道88号香城花园小区3栋", "淦河大道88号香城花园小区3栋"),
        ("家门口的路灯坏了三天没人修", None),
        ("门口路灯不亮", None),
        ("阳光小区路灯不亮", "阳光小区"),
        ("银泉大道路面坑洼", "银泉大道"),
        ("我们小区物业乱收费", None),
        ("老旧小区加装电梯有补贴吗", None),
        ("晚上广场舞太吵", None),
    ],
)
def test_an_exact_place_is_a_named_one(text: str, place: str | None) -> None:
    assert find_place(text, CITY) == place


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("电话13871234567", "+8613871234567"),
        ("１３８７１２３４５６７", "+8613871234567"),
        ("138 7123 4567", "+8613871234567"),
        ("幺三八七幺二三四五六七", "+8613871234567"),
        ("0715-8255555", "+867158255555"),
        ("1387123", None),
        ("没有电话", None),
    ],
)
def test_a_phone_number_is_found_in_digits_and_in_words(text: str, phone: str | None) -> None:
    assert find_phone(text) == phone


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("昨晚十一点还在施工", "昨晚十一点"),
        ("每天早上五点就开始", "每天早上五点"),
        ("上周三下午三点半看到的", "上周三下午三点半"),
        ("半夜两点多", "半夜两点多"),
        ("路灯坏了", None),
    ],
)
def test_the_time_is_kept_in_the_citizens_words(text: str, time: str | None) -> None:
    assert find_time(text) == time


@pytest.mark.parametrize(
    ("text", "name"),
    [("我姓王，住三楼", "王"), ("联系人李女士", "李女士"), ("我叫张小明，电话", "张小明"), ("我是业主", None)],
)
def test_a_name_is_found_when_one_is_given(text: str, name: str | None) -> None:
    found = find_name(text)
    assert found == name or (name is not None and found is not None and found.endswith(name))


def test_a_company_is_more_than_the_word() -> None:
    assert find_company("我们是咸宁香城建材有限公司的") == "咸宁香城建材有限公司"
    assert find_company("我们公司要办执照") is None


def test_a_credit_code_needs_its_check_character() -> None:
    assert find_credit_code("代码是 91421200 MA000000 AF 谢谢") == "91421200MA000000AF"
    assert find_credit_code("91421200MA000000A0") is None


def test_a_phone_number_is_read_back_masked() -> None:
    assert masked_phone("+8613871234567") == "138****4567"
