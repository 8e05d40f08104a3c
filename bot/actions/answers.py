"""An entry of the knowledge base in words: whole for a screen, in pieces of at most two sentences for the ear.

Pure. An entry is what the knowledge base shows of it (`knowledge/shown.py`), as JSON.
"""

import re
from typing import Any, Dict, List, Optional

from bot.actions.city import City

Entry = Dict[str, Any]

ANSWER, ALL, NOTHING = "answer", "all", "nothing"
"""What is told of an entry, beside one of its facets."""
DOCUMENTS, STEPS, FEE, TIME, PLACES, BASIS = "documents", "steps", "fee", "time", "places", "basis"
FACETS = (DOCUMENTS, STEPS, FEE, TIME, PLACES, BASIS)
BESIDE_THE_ANSWER = (FEE, TIME)
"""Facets that stand under the answer where they are short."""
SHORT = 40
LONG_SENTENCE = 60
"""A sentence that is longer is heard in its halves, where a semicolon parts it."""
LONGEST_PIECE = 120
"""Two sentences that are longer together are heard one by one."""
_SENTENCES = re.compile(r"[^。！？!?\n]+[。！？!?]*")
_DATED = re.compile(r"（(\d{4})-(\d{2})-(\d{2})）")


class Answers:
    """Words for the entries of one city."""

    def __init__(self, city: City) -> None:
        self._words: Dict[str, Any] = city.phrases["consulting"]

    def facets(self, entry: Entry) -> List[str]:
        """The parts an entry has that can be asked for by themselves; its answer says where it comes from anyway."""
        return [facet for facet in FACETS if facet != BASIS and entry[facet]]

    def beside(self, entry: Entry) -> List[str]:
        """The facets that stand under the answer."""
        return [facet for facet in BESIDE_THE_ANSWER if 0 < len(entry[facet]) <= SHORT]

    def asked(self, facet: str) -> str:
        """A facet as a question."""
        return str(self._words["asked"][facet])

    def named(self, facet: str) -> str:
        """What a facet is called."""
        return str(self._words["named"][facet])

    def unit(self, entry: Entry) -> str:
        """Who answers for the matter."""
        return str(entry["unit"] or self._words["unit"])

    def source(self, entry: Entry) -> str:
        """Where the answer comes from, with its date."""
        if entry["source"]:
            return str(entry["source"])
        since = self._words["since"].format(date=entry["effective"]) if entry["effective"] else ""
        return str(self._words["source"].format(version=entry["version"], since=since))

    def shown(self, entry: Entry, part: str, area: Optional[str] = None) -> str:
        """A part of an entry for a screen, with its source under it."""
        if part == NOTHING:
            return ""
        lines = [entry["answer"]] if part in (ANSWER, ALL) else [self._written(entry, part, area)]
        if part == ANSWER:
            lines += [self._written(entry, facet, area) for facet in self.beside(entry)]
        if part == ALL:
            lines += [self._written(entry, facet, area) for facet in self.facets(entry)]
        if part != BASIS:
            lines.append(f"{self.named(BASIS)}：{self.source(entry)}")
        return "\n".join(lines)

    def spoken(self, entry: Entry, part: str, area: Optional[str] = None) -> List[str]:
        """A part of an entry for the ear, in pieces; the source only where it is asked for."""
        if part == NOTHING:
            return []
        if part == ANSWER:
            return _pieces(entry["short"] or entry["answer"])[:1]
        if part != ALL:
            return _pieces(self._said(entry, part, area))
        return _pieces("\n".join([entry["answer"], *(self._said(entry, facet, area) for facet in self.facets(entry))]))

    def _written(self, entry: Entry, facet: str, area: Optional[str]) -> str:
        told = self._told(entry, facet, area)
        if len(told) == 1:
            return f"{self.named(facet)}：{told[0]}"
        return "\n".join(
            [f"{self.named(facet)}：", *(f"{number}. {line}" for number, line in enumerate(told, start=1))]
        )

    def _said(self, entry: Entry, facet: str, area: Optional[str]) -> str:
        told = self._told(entry, facet, area)
        if facet == STEPS and len(told) > 1:
            return "\n".join(f"第{number}步，{line}" for number, line in enumerate(told, start=1))
        listed = "、".join(_DATED.sub(_in_force, line).rstrip("。；") for line in told)
        return f"{self.named(facet)}：{listed}。"

    def _told(self, entry: Entry, facet: str, area: Optional[str]) -> List[str]:
        if facet in (FEE, TIME):
            return [entry[facet]]
        if facet == BASIS:
            return list(entry["basis"]) or [self.source(entry)]
        if facet != PLACES:
            return list(entry[facet])
        near = [place for place in entry[PLACES] if area and place["area"] and area.startswith(place["area"])]
        named = [[place[name] for name in ("name", "address", "phone", "hours")] for place in near or entry[PLACES]]
        return ["，".join(filter(None, place)) for place in named]


def _in_force(date: "re.Match[str]") -> str:
    year, month, day = (int(number) for number in date.groups())
    return f"，{year}年{month}月{day}日起施行"


def _pieces(text: str) -> List[str]:
    """The text two sentences at a time."""
    pieces: List[List[str]] = []
    for sentence in _sentences(text):
        last = pieces[-1] if pieces else []
        if len(last) == 1 and len(last[0]) + len(sentence) <= LONGEST_PIECE:
            last.append(sentence)
        else:
            pieces.append([sentence])
    return ["".join(piece) for piece in pieces]


def _sentences(text: str) -> List[str]:
    found = []
    for sentence in _SENTENCES.findall(text):
        parts = [sentence] if len(sentence) <= LONG_SENTENCE else sentence.split("；")
        whole = [part.strip() for part in parts if part.strip()]
        found += [part if part[-1] in "。！？!?" else f"{part}。" for part in whole]
    return found
