"""What can be read out of a citizen's sentence by rule: area, place, time, phone, name, company, credit code."""

import re
import unicodedata
from typing import List, Optional

import phonenumbers
from stdnum.cn import uscc

from bot.actions.city import City

REGION = "CN"
_SPOKEN_DIGITS = str.maketrans("零〇一二三四五六七八九幺", "001234567891")
_SPOKEN_NUMBER = re.compile("[零〇一二三四五六七八九幺0-9][零〇一二三四五六七八九幺0-9 ]{5,}")
_NAMED = re.compile(
    r"(?:我姓|免贵姓|我叫|我是|姓名[:：是]?|本人)([\u4e00-\u9fa5]{1,4}?)(?:先生|女士|小姐|[，,。；;\s]|电话|手机|$)"
)
_TITLED = re.compile(r"([\u4e00-\u9fa5]{1,2})(?:先生|女士)")
_NOT_NAMES = frozenset("企业 公司 业主 居民 村民 市民 学生 家长 老人 一个 一名 这里 那个 外地 本地".split())  # noqa: SIM905
_COMPANY = re.compile(
    r"[\u4e00-\u9fa5A-Za-z0-9（）()]{2,40}?(?:有限责任公司|股份有限公司|有限公司|公司|合作社|工厂|加工厂|商行|经营部)"
)
_COMPANY_LEAD = re.compile(r"^(?:我们?是|我们?|本|这里是|名称是|叫做?|是)+")

_DAY = (
    r"(?:大前天|前天|昨天|昨晚|昨日|今天|今早|今晚|今日|刚才|刚刚|上个?(?:周|星期|礼拜)[一二三四五六日天末]?|这个?(?:周|星期|礼拜)[一二三四五六日天末]?"
    r"|上个?月|这个?月|去年|前年|今年|每天|天天|每晚|每周|每到?(?:晚上|早上|夜里|周末)|最近[一二三四五六七八九十几两0-9]*(?:天|周|个月|个星期)?|近[一二三四五六七八九十几两0-9]+(?:天|周|个月)"
    r"|(?:[0-9]{2,4}年)?[0-9一二三四五六七八九十]{1,3}月(?:[0-9一二三四五六七八九十]{1,3}[日号])?|[0-9]{1,2}日(?!常))"
)
_HOUR = (
    r"(?:凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜|深夜|夜间)?"
    r"(?:[0-9一二两三四五六七八九十]{1,3}[点时](?:半|[0-9一二三四五六七八九十]{1,3}分?)?)?(?:多|左右|以后|之后|前后|钟)?"
)
_TIME = re.compile(
    f"{_DAY}(?:的?{_HOUR}(?:到{_HOUR})?)?|(?:凌晨|半夜|深夜|夜里|晚上|早上|中午|傍晚)(?:[0-9一二两三四五六七八九十]{{1,3}}[点时]半?)?(?:多|左右|以后|之后|前后)?"
)

# A place is a name and a kind (淦河+大道, 香城花园+小区), perhaps several in a row, perhaps with a house number.
# The name has no function words, so that it ends where the sentence around it begins.
_FUNCTION_WORDS = (
    "的了在是有我你他她它们这那个到从被把和与跟对向给请问没不很都也就还去来又再要想能可会吗呢吧啊呀每整全某本各"
)
_NAME = rf"(?:(?![{_FUNCTION_WORDS}])[\u4e00-\u9fa5A-Za-z0-9·]){{2,8}}?"
_KIND = (
    r"(?:花园小区|家园小区|小区|花园|家园|公寓|新村|社区|大道|大街|路口|公路|路|街|巷|广场|商场|超市|市场|公园|车站|火车站|客运站|医院|卫生院"
    r"|学校|小学|中学|高中|大学|学院|幼儿园|工业园|产业园|大厦|酒店|宾馆|村|水库|大桥|桥|隧道|景区|加油站|停车场|服务区|家属院)"
)
_UNIT = r"(?:[A-Za-z0-9一二三四五六七八九十]{1,5}(?:号楼|号|栋|幢|单元|楼|层|室|组))"
_BESIDE = r"(?:附近|旁边|旁|门口|对面|路口|交叉口|交汇处|后面|楼下|地下室|路段)"
_PLACE = re.compile(rf"(?:{_NAME}{_KIND}{_UNIT}*)+{_BESIDE}?")
_BEFORE_PLACE = re.compile(
    r"投诉|举报|反映|关于|咨询|建议|希望|你好|您好|领导|位于|位置|地址|地点|住|家|旁边|附近|对面|通往|经过"
)
_GENERIC = re.compile(
    r"^(?:隔壁|老旧|周边|周围|其他|别的|多个|所有|农村|商业|住宅|高档|当地|外地|乡村|城市|我市|全市|新建|老|农|公立|私立|民办|重点|晚上|早上)+"
    rf"{_KIND}|^(?:马路|公路|幼儿园|停车场|加油站|农贸市场|菜市场|公交车站|人行道|高速公路|广场舞)"
)


def plain(text: str) -> str:
    """The text with full-width characters folded and outer space removed."""
    return unicodedata.normalize("NFKC", text).strip()


def find_phone(text: str) -> Optional[str]:
    """The first valid telephone number in E.164, digits or spoken digits, or None."""
    spelled = _SPOKEN_NUMBER.sub(lambda m: m.group().translate(_SPOKEN_DIGITS).replace(" ", ""), plain(text))
    match = next(iter(phonenumbers.PhoneNumberMatcher(spelled, REGION)), None)
    if match is None:
        return None
    return str(phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164))


def masked_phone(phone: str) -> str:
    """`+8613871234567` → `138****4567`, as a citizen recognises the own number."""
    national = phone[3:] if phone.startswith("+86") else phone
    return f"{national[:3]}****{national[-4:]}"


def find_area(text: str, city: City) -> Optional[str]:
    """The code of the smallest area that is named without doubt, or None.

    A name that several areas share counts only inside an area that is named too: 新屋村 alone says nothing.
    """
    named: List[List[str]] = [city.codes_of(match.group()) for match in city.area_pattern.finditer(plain(text))]
    best = ""
    for codes in sorted(named, key=lambda codes: len(codes[0])):
        inside = [code for code in codes if code.startswith(best) and code != best] if best else codes
        if len(inside) == 1 and len(inside[0]) > len(best):
            best = inside[0]
    return best or None


def find_place(text: str, city: City) -> Optional[str]:
    """The exact place in the citizen's words (road, compound, building), or None when only an area is named."""
    around = city.area_pattern.sub("，", _TIME.sub("，", plain(text)))
    found = [m.group() for clause in _BEFORE_PLACE.split(around) for m in _PLACE.finditer(clause)]
    exact = [place for place in found if not _GENERIC.match(place)]
    return max(exact, key=len) if exact else None


def find_time(text: str) -> Optional[str]:
    """When it happened, in the citizen's words, or None."""
    found = [match.group() for match in _TIME.finditer(plain(text)) if match.group()]
    return "，".join(dict.fromkeys(found[:3])) or None


def find_name(text: str) -> Optional[str]:
    """How the citizen wants to be called, or None."""
    for pattern in (_NAMED, _TITLED):
        match = pattern.search(plain(text))
        if match and match.group(1) not in _NOT_NAMES:
            title = re.search("先生|女士|小姐", match.group())
            return match.group(1) + (title.group() if title else "")
    return None


def find_company(text: str) -> Optional[str]:
    """The name of a company, or None for a mere 我们公司."""
    for match in _COMPANY.finditer(plain(text)):
        name = _COMPANY_LEAD.sub("", match.group())
        if len(name) >= 5:
            return name
    return None


def find_credit_code(text: str) -> Optional[str]:
    """A valid unified social credit code (GB 32100-2015, with its check character), or None."""
    for candidate in re.findall(r"[0-9A-Z]{18}", re.sub(r"[\s\-]", "", plain(text).upper())):
        if uscc.is_valid(candidate):
            return str(candidate)
    return None
