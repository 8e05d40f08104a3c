"""Which area an address lies in, by what it names."""

import pytest

from core.city import City

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("咸安区温泉街道淦河大道88号", "咸安区温泉街道"),
        ("湖北省咸宁市咸安温泉街道万年路社区3栋", "咸安区温泉街道万年路社区"),
        ("嘉鱼县鱼岳镇", "嘉鱼县鱼岳镇"),
        ("鱼岳镇茶庵路", "嘉鱼县鱼岳镇"),
        ("赤壁市", "赤壁市"),
        ("赤壁大道与银泉大道路口", None),
        ("咸宁市淦河大道", None),
        ("咸安区和嘉鱼县交界处", None),
        ("淦河大道88号", None),
        ("", None),
    ],
)
def test_an_address_lies_in_the_smallest_area_it_names(city: City, address: str, path: str | None) -> None:
    code = city.area_in(address)
    assert (None if code is None else city.area_path(code)) == path
