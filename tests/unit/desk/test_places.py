"""The key of a place: what people write, and what it is compared by."""

import pytest

from desk.repeated.places import place_of

pytestmark = pytest.mark.unit

TOWN = "421202001"


@pytest.mark.parametrize(
    ("said", "name", "exact"),
    [
        # a house
        ("淦河大道88号", "淦河大道88号", True),
        ("淦河大道八十八号", "淦河大道88号", True),
        ("淦河大道一百零三号", "淦河大道103号", True),
        ("温泉街道 淦河大道 ８８ 号门口", "淦河大道88号", True),
        ("咸宁市咸安区温泉街道淦河大道88号", "淦河大道88号", True),
        ("淦河大道88号楼下", "淦河大道88号", True),
        ("淦河大道88号楼", "淦河大道88号", True),
        ("淦河大道88号院", "淦河大道88号", True),
        ("同心巷5弄", "同心巷5号", True),
        # a building; rooms say who lives there
        ("香城花园3栋2单元501", "香城花园3栋", True),
        ("香城花园小区三幢", "香城花园3栋", True),
        ("淦河大道香城花园3号楼楼下", "香城花园3栋", True),
        ("淦河大道88号香城花园3座", "香城花园3栋", True),
        ("香城花园二期3栋", "香城花园2期3栋", True),
        ("阳光小区b座", "阳光B栋", True),
        # a crossing, however it is told
        ("淦河大道与长安大道交叉口", "淦河大道与长安大道路口", True),
        ("长安大道和淦河大道交汇处", "淦河大道与长安大道路口", True),
        # a landmark
        ("实验小学门口", "实验小学", True),
        ("淦河大道实验小学", "实验小学", True),
        ("咸宁市中心菜市场门口", "中心菜市场", True),
        ("中医院", "中医院", True),
        # too wide to be one spot
        ("淦河大道上", "淦河大道", False),
        ("香城花园", "香城花园", False),
        ("泉塘村三组", "泉塘村3组", False),
        ("桂花路社区门口", "桂花路社区", False),
    ],
)
def test_a_place_is_known_by_one_name(said: str, name: str, exact: bool) -> None:
    place = place_of(said, TOWN)
    assert place is not None
    assert (place.name, place.exact) == (name, exact)
    assert place.key == f"421202:{name}"


@pytest.mark.parametrize("said", ["", None, "温泉街道", "就在那边", "火星", "附近超市", "1", "。。。", "号" * 200])
def test_what_is_no_place_has_no_key(said: str | None) -> None:
    assert place_of(said, TOWN) is None


def test_a_house_number_without_its_county_is_not_exact() -> None:
    place = place_of("人民路88号", None)
    assert place is not None
    assert not place.exact
