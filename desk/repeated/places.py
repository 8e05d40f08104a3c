"""The key of a place: the same for 淦河大道88号, 淦河大道八十八号 and 温泉街道 淦河大道 ８８ 号门口. Pure.

A key is exact when it means one spot: a house number, a building of a named estate, a crossing, a landmark. A road, an
estate or a village alone is a key too, and is not exact. Rooms and units of a building are left out: they say who
lives there, and no more of the matter.
"""

import re
import unicodedata
from dataclasses import dataclass

_COUNTY = 6
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "幺": 1}
_CHINESE_NUMBER = re.compile("[零〇一二两三四五六七八九十百幺]+(?=号|栋|幢|座|期|组|弄|单元|楼|层|室)")
_NOISE = re.compile(r"[\s，。、,.;；:：()（）“”\"'《》【】\[\]]+")
_AREA = re.compile(
    r"^(?:湖北省?)?(?:[\u4e00-\u9fa5]{2,3}市(?![场民政]))?(?:[\u4e00-\u9fa5]{1,3}(?<![小社景园厂校库城新])[区县])?"
    r"(?:[\u4e00-\u9fa5]{2,4}(?:街道办事处|街道办|街道|镇|乡)(?![路街]))?(?:[\u4e00-\u9fa5]{1,6}社区(?=.{3}))?"
)
_SPELLINGS = (
    (re.compile("街道办事处|街道办"), "街道"),
    (re.compile(r"(?<=\d)#楼?"), "栋"),
    (re.compile(r"(?<=[\dA-Za-z])(?:号楼|幢|座|号栋)"), "栋"),
    (re.compile(r"(?<=\d)(?:号院|号门面|号铺|弄)"), "号"),
    (re.compile(r"^(?:在|位于|住在|就在|我家在)"), ""),
)
_NAME = r"[\u4e00-\u9fa5A-Za-z0-9]"
_ROAD = rf"{_NAME}{{1,8}}?(?:大道|大街|公路|国道|省道|路|街|巷)"
_ESTATE_KIND = (
    "花园|家园|小区|公寓|新村|苑|公馆|名邸|嘉园|山庄|新城|国际城|华庭|豪庭|名都|家属院|宿舍|安置房|安置点|府|湾"
)
_ESTATE = rf"{_NAME}{{1,8}}?(?:{_ESTATE_KIND})+"
_LANDMARK_KIND = (
    "幼儿园|小学|中学|高中|学校|大学|学院|医院|卫生院|广场|公园|火车站|客运站|汽车站|高铁站|北站|南站|菜市场|农贸市场|市场"
    "|商场|超市|大厦|水库|大桥|桥|隧道|景区|加油站|服务区|图书馆|体育馆|博物馆|大厅|酒店|宾馆|养老院|产业园|工业园|派出所"
)
_BUILDING = re.compile(rf"(?P<estate>{_ESTATE})(?P<phase>\d+期)?(?P<building>[A-Za-z]?\d+栋|[A-Za-z]栋)")
_HOUSE = re.compile(rf"(?P<road>{_ROAD})(?P<house>\d+)[号栋]")
_CROSSING = re.compile(
    rf"(?P<one>{_ROAD})(?:与|和|跟|、|-)?(?P<other>{_ROAD})(?:的)?(?:十字路口|交叉路?口|交汇处|交界处|路口)"
)
_LANDMARK = re.compile(rf"(?:{_ROAD})?(?P<name>{_NAME}{{1,10}}?(?:{_LANDMARK_KIND}))(?!路|街|社区)")
_GENERIC = re.compile("(?:附近|对面|旁边|这个|那个|大型|公交|农贸|社区)")
_WIDE = re.compile(rf"(?P<estate>{_ESTATE})|(?P<village>{_NAME}{{1,6}}?(?:村|社区)(?:\d+组)?)|(?P<road>{_ROAD})")


@dataclass(frozen=True, slots=True)
class Place:
    """A place by its key: the county's code, and the name that is left of what the citizen said."""

    county: str
    name: str
    exact: bool

    @property
    def key(self) -> str:
        """What is stored and compared."""
        return f"{self.county}:{self.name}"


def place_of(said: str | None, area_code: str | None) -> Place | None:
    """The place somebody told, or None when nothing in the words is a place.

    Without an area it is never exact: every county has its 人民路.
    """
    text = normal(said or "")
    county = (area_code or "")[:_COUNTY]
    for find in (_building, _house, _crossing, _landmark):
        if name := find(text):
            return Place(county, name, exact=len(county) == _COUNTY)
    found = _WIDE.search(text)
    if found is None:
        return None
    name = _estate(found["estate"]) if found["estate"] else found.group()
    return Place(county, name, exact=False)


def place_key(said: str | None, area_code: str | None) -> str | None:
    """The key of a place, or None."""
    place = place_of(said, area_code)
    return None if place is None else place.key


def normal(text: str) -> str:
    """Narrow characters, Arabic numbers, one spelling of 栋 and 号; without the area before it and without spaces."""
    plain = _NOISE.sub("", unicodedata.normalize("NFKC", text))
    plain = _CHINESE_NUMBER.sub(lambda found: str(_number(found.group())), plain)
    for spelling, ours in _SPELLINGS:
        plain = spelling.sub(ours, plain)
    return _AREA.sub("", plain)


def _number(chinese: str) -> int:
    """八十八 is 88, 一百零三 is 103, 一〇三 is 103."""
    if not set(chinese) & set("十百"):
        return int("".join(str(_DIGITS[character]) for character in chinese))
    total, digit = 0, 0
    for character in chinese:
        if character in "十百":
            total += (digit or 1) * (10 if character == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[character]
    return total + digit


def _building(text: str) -> str | None:
    # What stands before the estate (a road, perhaps with its number) is said by one citizen and not by the next.
    found = _BUILDING.search(_HOUSE.sub("", text))
    found = found or _BUILDING.search(text)
    if found is None:
        return None
    return _estate(found["estate"]) + (found["phase"] or "") + found["building"].upper()


def _house(text: str) -> str | None:
    found = _HOUSE.search(text)
    return None if found is None else f"{found['road']}{found['house']}号"


def _crossing(text: str) -> str | None:
    found = _CROSSING.search(text)
    return None if found is None else "与".join(sorted((found["one"], found["other"]))) + "路口"


def _landmark(text: str) -> str | None:
    found = _LANDMARK.search(text)
    return None if found is None or _GENERIC.match(found["name"]) else found["name"]


def _estate(name: str) -> str:
    """香城花园小区 and 淦河大道香城花园 are 香城花园."""
    short = re.sub(rf"^{_ROAD}(?={_NAME}{{2}})", "", name)
    return re.sub("(?<=..)小区$", "", short)
