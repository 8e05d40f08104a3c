"""Texts about an order that are to be read by everybody: whatever may point to a person is taken out.

Pure. No rule finds every name in a Chinese sentence: somebody has to read the text before it is told to anybody. The
rules would rather take out a word too many.
"""

import re
from functools import cached_property

from core.city import City
from desk.orders.model import WorkOrder
from desk.personal_data.privacy import without_person

_SURNAMES = (
    "欧阳|上官|司马|诸葛|皇甫|"
    "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛"
    "闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤樊洪镇饶明]"
)
_TITLES = "先生|女士|小姐|师傅|老师|同志|经理|老板|大爷|大妈|婆婆|阿姨|某某|某"
# A part of a place's name, and not the verb before it.
_WORD = "(?:(?![住在到从去往是])[\u4e00-\u9fff])"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # Letters and account names.
        r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
        r"(?:微信|QQ|qq|VX|vx)号?(?:码)?[:：是为]?\s*[A-Za-z0-9_-]{5,20}",
        # Identity, bank and other cards, codes of companies; number plates.
        r"(?<![0-9A-Za-z])(?:\d[ -]?){14,20}[0-9Xx]?(?![0-9A-Za-z])",
        r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])",
        r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·・ ]?[A-Z0-9]{5,6}(?![A-Z0-9])",
        # Telephone numbers without an area code.
        r"(?<![0-9-])[2-8]\d{6,7}(?![0-9年元])",
        # People.
        rf"(?:{_SURNAMES})[\u4e00-\u9fff]{{0,2}}?(?:{_TITLES})",
        rf"(?<=我叫|名叫|我是|本人|姓名|名字|户主|村民|市民|居民|业主|职工|员工|群众|患者|学生|家长)[是:：]?(?:{_SURNAMES})"
        r"[\u4e00-\u9fff]{1,2}(?=[^\u4e00-\u9fff]|$|的|反映|来电|咨询|询问|称|诉)",
        # Where somebody lives: road and number, house, village group.
        rf"{_WORD}{{2,5}}(?:路|街|大道|巷|弄)\d+(?:-\d+)?号?(?:院|附\d+号)?",
        r"[A-Za-z]?\d+(?:栋|幢|号楼|座|单元|室|户)(?:[A-Za-z]?\d+(?:栋|单元|楼|层|室|户|号)?)*",
        rf"{_WORD}{{2,6}}(?:小区|花园|公寓|家园|佳苑|新村|华府|名城)",
        r"[\u4e00-\u9fff]{0,4}(?:村|社区)第?[一二三四五六七八九十\d]+(?:村民小组|组)",
    )
)


class Nameless:
    """Takes out what points to a person, in a city."""

    def __init__(self, city: City, hidden: str) -> None:
        """`hidden` stands where something was taken out."""
        self._city = city
        self._hidden = hidden

    def text(self, text: str, order: WorkOrder) -> str:
        """A text about an order, without the citizen and without what may be anybody's."""
        proxy = order.filed_by.name if order.filed_by else None
        known = (order.company_name, order.credit_code, order.contact_email, proxy)
        for value in sorted((value for value in known if value), key=len, reverse=True):
            text = text.replace(value, self._hidden)
        text = without_person(text, order, self._hidden)
        for pattern in (*_PATTERNS, self._villages):
            text = pattern.sub(self._hidden, text)
        return re.sub(f"(?:{re.escape(self._hidden)})+", self._hidden, text)

    @cached_property
    def _villages(self) -> re.Pattern[str]:
        """The names of the villages and communities: of such a place everybody knows everybody."""
        names = {area.name for area in self._city.areas.values() if len(area.code) == 12}
        return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)")
