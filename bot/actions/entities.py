"""What a sentence names, by rule: areas, places, times, phones, ID numbers, plates, companies, credit codes, money.

Every kind is found by a function that yields entities in the order of the text; `entities` gives all of them, of those
that overlap the one of the more special kind.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional

import cn2an
import phonenumbers
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from bot.actions.city import City
from bot.script import simplified

REGION = "CN"
MOST_DIGITS = 15
"""Digits a telephone number can have (ITU-T E.164)."""


@dataclass(frozen=True)
class Entity:
    """A named thing: `text[start:end]` of the folded text, and its value.

    Values: an area's code; a phone in E.164; money in yuan; plates, ID numbers and credit codes without spaces in
    upper case; places, times and companies in the citizen's words.
    """

    type: str
    start: int
    end: int
    value: str


def folded(text: str) -> str:
    """The text with full-width characters made narrow, in simplified characters; positions stay the same."""
    narrow = (unicodedata.normalize("NFKC", character) for character in text)
    narrowed = "".join(new if len(new) == 1 else old for new, old in zip(narrow, text))
    in_one_script = simplified(narrowed)
    return in_one_script if len(in_one_script) == len(text) else narrowed


# ---- numbers ---------------------------------------------------------------------------------------------------------

_SPOKEN_DIGITS = str.maketrans("零〇一二三四五六七八九幺", "001234567891")
_LONG_NUMBER = re.compile(
    r"\(?[0-9](?:[ .)-]?[0-9]){6,}|[零〇一二三四五六七八九幺](?:[ -]?[零〇一二三四五六七八九幺]){6,}"
)
# 东经101.06327: without its point it would be a number in Beijing.
_COORDINATE = re.compile(r"[东西]经 ?[0-9]{1,3}\.[0-9]+|[南北]纬 ?[0-9]{1,2}\.[0-9]+")
_CODE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z](?:[ -]?[0-9A-Za-z]){17}(?![0-9A-Za-z])")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼] ?[A-Za-z]"
    r"(?:[ ·.•-]?[A-Za-z0-9]){4,5}[A-Za-z0-9学警港澳挂](?![0-9A-Za-z])"
)


def phones(text: str) -> Iterator[Entity]:
    """Valid telephone numbers in digits or spoken digits."""
    for found in _LONG_NUMBER.finditer(_COORDINATE.sub(_commas, text)):
        # 138 7123 4567: what stands between digits only helps the eye.
        digits = re.sub("[^0-9]", "", found.group().translate(_SPOKEN_DIGITS))
        if len(digits) > MOST_DIGITS:
            continue
        for match in phonenumbers.PhoneNumberMatcher(digits, REGION):
            if len(match.raw_string) == len(digits):
                number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
                yield Entity("phone", found.start(), found.end(), str(number))


def id_numbers(text: str) -> Iterator[Entity]:
    """ID numbers whose check digit fits (GB 11643)."""
    yield from _codes(text, "id_number", _is_id_number)


def credit_codes(text: str) -> Iterator[Entity]:
    """Unified social credit codes whose check character fits (GB 32100-2015)."""
    yield from _codes(text, "credit_code", uscc.is_valid)


def _codes(text: str, kind: str, is_valid: Callable[[str], bool]) -> Iterator[Entity]:
    for found in _CODE.finditer(text):
        code = re.sub("[ -]", "", found.group()).upper()
        if is_valid(code):
            yield Entity(kind, found.start(), found.end(), code)


def _is_id_number(code: str) -> bool:
    # ric.is_valid also wants a county code of its own list, which lacks counties.
    if not re.fullmatch("[1-9][0-9]{16}[0-9X]", code) or ric.calc_check_digit(code) != code[-1]:
        return False
    try:
        ric.get_birth_date(code)
    except ValidationError:
        return False
    return True


def plates(text: str) -> Iterator[Entity]:
    """Licence plates, those of electric cars included (GA 36-2018)."""
    for found in _PLATE.finditer(text):
        yield Entity("plate", found.start(), found.end(), re.sub("[ ·.•-]", "", found.group()).upper())


_CHINESE_NUMBER = "[零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟]"
_DIGIT = "[一二两三四五六七八九]"
_COUNTED = "[天年月日号个人户亩次斤栋层公米平点岁分页回里步字度吨名家位条辆座张间棵台路里]"
_MONEY = re.compile(
    rf"(?P<number>(?:[0-9][0-9,]{{0,12}}(?:\.[0-9]+)?|{_CHINESE_NUMBER}{{1,15}}))(?P<scale>[万千百亿])?[多几来余]?个?"
    rf"(?:(?P<unit>万?(?:块钱|元钱|元|圆)|万(?!多?{_COUNTED}|{_CHINESE_NUMBER})|毛钱?|角|分钱)|块(?P<tail>{_DIGIT}|[0-9])?)"
    r"(?![砖地石木牌板布铁玻钢冰平头])"
)
# 一千二, 两万三: said like this of money only.
_SHORTENED = re.compile(rf"(?P<number>{_CHINESE_NUMBER}{{0,12}}{_DIGIT}[万千百]{_DIGIT})(?![万千百十]|{_COUNTED})")
_PAID = re.compile(
    rf"(?:押金|租金|工资|充了|交了|付了|花了|收了|收我|罚了|罚款|罚我|欠了|欠我|赔了|赔我|要了|要我|借了|骗了|骗走|退了|退我|扣了|扣我|给了|只给|只退|每月|补贴|定金|订金)"
    rf"(?P<number>{_CHINESE_NUMBER}{{0,12}}{_DIGIT}[百千万]{_CHINESE_NUMBER}{{0,12}})(?!{_COUNTED})"
)


_SCALES = {"万": 10_000, "亿": 100_000_000, "千": 1_000, "百": 100, "毛": 0.1, "角": 0.1, "分": 0.01}


def money(text: str) -> Iterator[Entity]:
    """Sums of money in yuan."""
    taken: List[Entity] = []
    for pattern in (_SHORTENED, _MONEY, _PAID):
        for found in pattern.finditer(text):
            start, end = found.start("number"), found.end() if pattern is _MONEY else found.end("number")
            value = _yuan(**found.groupdict())
            if value is not None and not any(start < other.end and other.start < end for other in taken):
                taken.append(Entity("money", start, end, value))
    yield from sorted(taken, key=lambda entity: entity.start)


def _yuan(
    number: str,
    scale: Optional[str] = None,
    unit: Optional[str] = None,
    tail: Optional[str] = None,
) -> Optional[str]:
    """The amount: 2.5 + 万, 三千 + 块, 两 + 块 + 五."""
    try:
        amount = float(cn2an.cn2an(number.replace(",", "").replace("〇", "零"), "smart"))
    except ValueError:
        return None
    for sign in (scale or "") + (unit or ""):
        amount *= _SCALES.get(sign, 1)
    if tail:
        amount += float(cn2an.cn2an(tail, "smart")) / 10
    return f"{round(amount, 2):g}" if amount < 1e6 else str(int(amount))


# ---- times -----------------------------------------------------------------------------------------------------------

_N = "[0-9零一二两三四五六七八九十几半]"
_HALF_DAY = (
    "(?:大清早|一大早|清早|清晨|凌晨|早上|早晨|上午|中午|正午|下午|傍晚|晚上|夜里|大半夜"
    "|[上下后前]半夜|半夜|深夜|夜间|夜晚|晚间|晚)"
)
_CLOCK = (
    rf"(?:{_N}{{1,3}}(?:点钟|点|时)(?![信都儿也没不反钱事用影])"
    rf"(?:半|一刻|{_N}{{1,3}}分?)?多?钟?|[0-9]{{1,2}}[::][0-9]{{2}})"
)
_SEASON = (
    "(?:春节|元宵节?|国庆节?|中秋节?|元旦|清明节?|端午节?|五一|十一(?![点月])|暑假|寒假|过年|除夕|正月|腊月|大年|年初|年底|年前|年后"
    "|月初|月底|热天|[春夏秋冬][天季]|汛期|立[春夏秋冬]|入[春夏秋冬])"
)
_LUNAR_DAY = rf"(?:{_SEASON}|{_N}{{1,2}}月|月)初{_N}|(?:正月|腊月|大年){_N}{{1,3}}"
_WEEKDAY = "(?:周|星期|礼拜)[一二三四五六日天](?!直)"
_UNITS = "|".join(
    (
        r"大前天|前天|昨天|昨日|昨晚上?|昨夜|昨儿|今天|今日|今早|今晨|今晚|今儿|明天|刚才|刚刚|当天|那天|那晚|头天|前晚|第二天|次日",
        rf"(?:上上?|这|本|下|每)?个?{_WEEKDAY}(?:到(?:周|星期|礼拜)?[一二三四五六日天])?",
        r"(?:上|这|本|下|每)个?(?:周|星期|礼拜)末?|周末|上上?个?月|这个月|本月|下个?月|每个?月|每年|(?:上|本|这|第[一二三四])个?季度|[上本这]个?学期",
        r"(?:去年|前年|大前年|今年|明年)(?:[底初]|[上下]半年|一年)?|每天|天天|每日|每晚|每早|每到|每逢|逢年过节|整[个天夜晚]|通宵|成天|一天到晚|白天"
        r"|早晚高峰|[早晚]高峰|上下班高峰|(?:上下?|下|放)[学班](?:时|的时候|时间)",
        rf"(?:最近|近|这|前|头|过去)(?:{_N}|些){{1,3}}(?:天|日|周|个?星期|个?礼拜|个?月|年)(?:来|里|内|间)?|最近|近期|近来|近日|前段时间|前段日子|前一?阵子?|这段时间|这阵子|前不久|不久前|上次|前些日子",
        rf"{_N}{{1,3}}(?:天|周|个?星期|个?礼拜|个?月|年)(?:前|之前|以前)",
        rf"(?:[0-9]{{4}}|[零〇一二三四五六七八九]{{4}}|[0-9]{{2}}|[六七八九]几)年(?:[底初前]|[上下]半年)?"
        rf"|{_LUNAR_DAY}|{_N}{{1,3}}月(?:份|初|底|[上中下]旬)?(?:{_N}{{1,3}}[日号]|(?![0-9]))"
        r"|(?:^|(?<=[，。,. 是到]))[0-9]{1,2}[日号](?![楼栋线常门店院口机码项])"
        r"|[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}",
        rf"{_SEASON}(?:假期|期间)?|{_HALF_DAY}|{_CLOCK}|小时候",
    )
)
_AROUND = (
    "(?:左右|前后|以后|之后|以来|之前|以前|期间|开始|起(?![火来哄诉])|前(?![面边头门台])|后(?![面边头门])|的时候|至今)"
)
_TIME = re.compile(
    rf"(?:从|自从|自|打|一到)?(?:{_UNITS})(?:[的,， ]?(?:{_UNITS}))*{_AROUND}*(?:[到至~-](?:{_UNITS})+{_AROUND}*)?"
)


def times(text: str) -> Iterator[Entity]:
    """When something happens or happened, in the citizen's words."""
    for found in _TIME.finditer(text):
        yield Entity("time", found.start(), found.end(), found.group())


# ---- places ----------------------------------------------------------------------------------------------------------

# A place is a name and a kind (淦河+大道, 香城花园+小区), perhaps several in a row, perhaps with a house number.
# The name has no function words, so that it ends where the sentence around it begins.
_FUNCTION_WORDS = (
    "的了在是有我你他她它们这那个到从被把和与跟对向给请问没不很都也就还去来又再要想能可会吗呢吧啊呀每整全某本各"
)
_NAME = rf"(?:(?![{_FUNCTION_WORDS}])[\u4e00-\u9fa5A-Za-z0-9·]){{2,8}}?"
_ROAD = r"(?:公路|路)(?![灯面牌况障基])"  # 路灯, 路面 … are no roads
_KIND = (
    rf"(?:花园小区|家园小区|小区|花园|家园|公寓|新村|社区|大道|大街|路口|{_ROAD}|街|巷|广场|商场|市场|公园|车站|火车站|客运站"
    r"|学校|小学|中学|高中|大学|学院|幼儿园|工业园|产业园|大厦|村|水库|大桥|桥|隧道|景区|加油站|停车场|服务区|家属院|安置房|安置点|名邸|雅苑|嘉园|山庄|华府|新城|国际城|步行街|苑|国际|公馆|名都|华庭|豪庭|基地|菜市场|卫生服务站|服务大厅|服务中心|桥(?!洞)|站台|北站|南站)"
)
_UNIT = r"(?:[A-Za-z0-9一二三四五六七八九十]{1,5}(?:号楼(?!道)|号院|号|栋|幢|单元|楼(?![上下道])|层|室|组|期))"
_BESIDE = r"(?:附近|旁边|旁|门口|对面|路口|交叉口|交汇处|后面|楼下|地下室|路段)"
_PLACE = re.compile(rf"(?:{_NAME}{_KIND}+{_UNIT}*)(?:[与和]?{_NAME}(?:{_KIND}+{_UNIT}*|{_UNIT}+))*{_BESIDE}?")
_BEFORE_PLACE = re.compile(
    r"投诉|举报|反映|关于|咨询|建议|希望|你好|您好|领导|位于|位置|地址|地点|住|家|旁边|附近|对面|通往|经过"
)
_GENERIC = re.compile(
    r"^(?:小区|水泥|柏油|块儿|条|这|隔壁|老旧|周边|周围|其他|别的|多个|所有|农村|商业|住宅|高档|当地|外地|乡村|城市|我市|全市|新建|老|农|公立|私立|民办|重点|晚上|早上)+"
    rf"{_KIND}|^(?:马路|公路|幼儿园|停车场|加油站|农贸市场|菜市场|公交车站|人行道|高速公路|广场舞)"
)


TOWN = 9
"""Digits of a town's or street office's code; villages have more."""

_PART_OF_A_NAME = re.compile("(?:人民|中心)?(?:政府|医院|公安|法院|检察院|[\u4e00-\u9fa5]{1,4}局)")
_NAME_GOES_ON = re.compile(
    "[\u4e00-\u9fa5]?(?:大道|大桥|路|街|站|酒店|中学|小学|一中|二中|收费站|水(?![库管厂])|之战|提琴|木雕|社区|村|人(?![民行])|话|戏)"
)


def areas(text: str, city: City) -> Iterator[Entity]:
    """The counties and towns that are named; names that follow one another are one area."""
    best, start, end = "", 0, 0
    for found in city.area_pattern.finditer(text):
        codes = [code for code in city.codes_of(found.group()) if len(code) <= TOWN and code != city.code]
        if not codes or _PART_OF_A_NAME.match(text, found.end()) or _is_alias_in_a_name(found, text):
            continue
        inside = [code for code in codes if code.startswith(best) and code != best]
        if best and len(inside) == 1 and text[end : found.start()].strip(" 的") == "":
            best, end = inside[0], found.end()
            continue
        if best:
            yield Entity("area", start, end, best)
        best = codes[0] if len(codes) == 1 else ""
        start, end = found.span()
    if best:
        yield Entity("area", start, end, best)


def _is_alias_in_a_name(found: "re.Match[str]", text: str) -> bool:
    """温泉 in 温泉酒店, 赤壁 in 赤壁之战: the short form of an area begins another name."""
    return found.group()[-1] not in "区县市镇乡道场" and bool(_NAME_GOES_ON.match(text, found.end()))


def places(text: str, city: City) -> Iterator[Entity]:
    """Exact places: roads, compounds, buildings, villages, with what stands beside them."""
    around = _TIME.sub(_commas, _BEFORE_PLACE.sub(_commas, _without(areas(text, city), text)))
    for found in _PLACE.finditer(around):
        if not _GENERIC.match(found.group()):
            yield Entity("place", found.start(), found.end(), found.group())


def _without(found: Iterator[Entity], text: str) -> str:
    for entity in found:
        text = text[: entity.start] + "，" * (entity.end - entity.start) + text[entity.end :]
    return text


def _commas(found: "re.Match[str]") -> str:
    return "，" * len(found.group())


# ---- companies -------------------------------------------------------------------------------------------------------

_COMPANY = re.compile(
    r"[\u4e00-\u9fa5A-Za-z0-9（）()·]{2,40}?"
    r"(?:有限责任公司|股份有限公司|有限公司|分公司|公司|集团|合作社|加工厂|工厂|厂(?![区房长家里])|事务所|商行|经营部|门市部|酒店|宾馆|超市|医院|卫生院)"
    r"(?:[\u4e00-\u9fa5]{2,4}分公司)?"
)
_BEFORE_COMPANY = re.compile(
    r".*(?:[在的我你他她找给被叫去到跟对向请让查把从]|是|投诉|举报|反映|咨询|关于|[那这哪]个|[那这有一哪]家|名称|名叫|职工|员工)(?![化治])|^[和与]"
)


def companies(text: str) -> Iterator[Entity]:
    """Companies and other bodies with a name of their own; 我们公司 is none."""
    for found in _COMPANY.finditer(_TIME.sub(_commas, text)):
        name = _BEFORE_COMPANY.sub("", found.group())
        if len(name) >= 5 and not _COMMON.match(name):
            yield Entity("company", found.end() - len(name), found.end(), name)


_COMMON = re.compile(
    "(?:物业|保险|快递|装修|劳务|建筑|自来水|天然气|燃气|公交|客运|开发|供电|供水|出租车|网络|电信|旅游|培训|房地产|人民|乡镇|私立|公立|民营|社区|附近|楼下|隔壁|小区)+"
    "(?:有限)?(?:公司|厂|集团|医院|卫生院|超市|酒店|宾馆)"
)


def entities(text: str, city: City) -> List[Entity]:
    """All entities of a text, in its order. Of two that overlap the one of the kind found earlier stays."""
    plain = folded(text)
    found: List[Entity] = []
    finders: List[Iterator[Entity]] = [
        credit_codes(plain),
        id_numbers(plain),
        phones(plain),
        plates(plain),
        companies(plain),
        areas(plain, city),
        places(plain, city),
        money(plain),
        times(plain),
    ]
    for finder in finders:
        for entity in finder:
            if not any(entity.start < other.end and other.start < entity.end for other in found):
                found.append(entity)
    return sorted(found, key=lambda entity: entity.start)
