"""A text as the tokens it is found by: words, pairs of characters, what they mean in everyday speech, how they sound.

- words of jieba (rjieba), without the fillers of `city/synonyms.yml`;
- pairs of neighbouring Chinese characters: names and terms no dictionary has;
- for every group of synonyms of which one stands in the text, the group's mark: 驾照 finds 驾驶证;
- for questions, pairs of syllables without tone, so that a slip of the ear or of the keyboard still sounds right.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

import rjieba
from opencc import OpenCC
from pydantic import Field
from pypinyin import Style, lazy_pinyin

from core.records import Record

_RUNS = re.compile(r"[\u4e00-\u9fff]+|[a-z0-9]+(?:\.[0-9]+)?")
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_SPACE_IN_CHINESE = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")


class Synonyms(Record):
    """`fillers`: words that say nothing of the matter. `groups`: words that mean the same, any number each.

    `own_case`, `of_today`: patterns of what no entry can know.
    """

    own_case: tuple[str, ...] = ()
    of_today: tuple[str, ...] = ()
    fillers: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = Field(default=())


class Words:
    """Makes tokens of texts, with the synonyms of a city."""

    def __init__(self, synonyms: Synonyms) -> None:
        self._simplify = OpenCC("t2s").convert
        self._fillers = frozenset(synonyms.fillers)
        groups: dict[str, set[int]] = {}
        for number, group in enumerate(synonyms.groups):
            for word in group:
                groups.setdefault(self.plain(word), set()).add(number)
        self._marks = {word: [f"={n}" for n in sorted(numbers)] for word, numbers in groups.items()}
        self._own_case, self._of_today = _any(synonyms.own_case), _any(synonyms.of_today)
        # Longest first: 养老保险金 before 养老保险.
        listed = sorted(self._marks, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, listed))) if listed else None

    def plain(self, text: str) -> str:
        """The text in simplified, half-width, small letters, without blanks between Chinese characters."""
        folded = self._simplify(unicodedata.normalize("NFKC", text)).lower()
        return _SPACE_IN_CHINESE.sub("", folded)

    def tokens(self, text: str) -> list[str]:
        """Words, pairs and marks, each as often as it occurs."""
        plain = self.plain(text)
        words = self._words(plain)
        return [*_said(words), *_pairs(words), *self._meant(plain)]

    def content(self, text: str) -> list[str]:
        """The words that say something, and the marks: what an answer has to speak of."""
        plain = self.plain(text)
        return [*_said(self._words(plain)), *self._meant(plain)]

    def asks_after_a_case(self, text: str) -> bool:
        """Whether somebody asks how far their own case is."""
        return bool(self._own_case.search(self.plain(text).rstrip("?？。!！")))

    def asks_of_today(self, text: str) -> bool:
        """Whether a day, a place or a sum of this year is asked for."""
        return bool(self._of_today.search(self.plain(text)))

    def sounds(self, text: str) -> list[str]:
        """Pairs of neighbouring syllables."""
        found: list[str] = []
        for run in _CHINESE.findall("".join(self._words(self.plain(text)))):
            syllables = lazy_pinyin(run, style=Style.NORMAL)
            found += [f"~{a}{b}" for a, b in pairwise(syllables)]
        return found

    def _words(self, plain: str) -> list[str]:
        """All words in their order; a blank stands for a filler."""
        return [" " if word in self._fillers else word for word in rjieba.cut(plain)]

    def _meant(self, plain: str) -> Iterator[str]:
        if self._known is not None:
            for match in self._known.finditer(plain):
                yield from self._marks[match.group()]


def _said(words: Sequence[str]) -> Iterator[str]:
    return (word for word in words if _RUNS.match(word))


def _pairs(words: Sequence[str]) -> Iterator[str]:
    for run in _CHINESE.findall("".join(words)):
        for i in range(len(run) - 1):
            yield run[i : i + 2]


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    """One pattern for all of them; none matches nothing."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or "(?!)")
