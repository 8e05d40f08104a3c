"""The city's data as the dialogue needs it, read from the same files as the rest of the system."""

import csv
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import yaml

COUNTY_DIGITS = 6
DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "city"


@dataclass(frozen=True)
class Category:
    """A work-order category; `slug` is the intent that means it."""

    id: str
    slug: str
    name: str
    description: str
    asks_time: bool


@dataclass(frozen=True)
class Refusal:
    """A kind of matter the hotline may not accept, and the legal way for it."""

    name: str
    patterns: "re.Pattern[str]"
    route: str


class City:
    """Categories, areas, control phrases and refusals of the city."""

    def __init__(self, folder: Path = DEFAULT_FOLDER) -> None:
        city = _read(folder / "city.yml")
        self.name: str = city["name"]
        self.code: str = city["code"]
        listed = _read(folder / "categories.yml")["categories"]
        self.categories = [
            Category(c["id"], c["slug"], c["name"], c["description"], bool(c.get("asks_time"))) for c in listed
        ]
        self.by_slug = {category.slug: category for category in self.categories}
        self.by_id = {category.id: category for category in self.categories}
        self.phrases: Dict[str, Any] = _read(folder / "phrases.yml")
        self.refusals = [
            Refusal(kind["name"], _any(kind["patterns"]), kind["route"])
            for kind in _read(folder / "not_accepted.yml")["kinds"]
        ]
        self.area_names, self._codes = _areas(folder / "areas.csv")
        self.counties = sum(len(code) == COUNTY_DIGITS and code != self.code for code in self.area_names)
        # Longest names first: 赤壁镇 before 赤壁.
        self.area_pattern = re.compile("|".join(map(re.escape, sorted(self._codes, key=len, reverse=True))))

    def codes_of(self, name: str) -> List[str]:
        """The codes of all areas that people call `name`."""
        return self._codes.get(name, [])

    def area_name(self, code: str) -> str:
        """The names from the county down to `code`, joined."""
        steps = [code[:length] for length in (6, 9, 12) if length <= len(code)]
        return "".join(self.area_names[step] for step in steps if step in self.area_names)

    def refusal(self, text: str) -> Optional[Refusal]:
        """The kind of unacceptable matter `text` asks for, or None."""
        return next((kind for kind in self.refusals if kind.patterns.search(text)), None)


@lru_cache(maxsize=1)
def get_city() -> City:
    """The city of this process: `HOTLINE_CITY_DIR`, by default the one that comes with the project."""
    return City(Path(os.environ.get("HOTLINE_CITY_DIR") or DEFAULT_FOLDER))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def _any(patterns: List[str]) -> "re.Pattern[str]":
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _areas(path: Path) -> Tuple[Dict[str, str], Dict[str, List[str]]]:
    names: Dict[str, str] = {}
    codes: Dict[str, List[str]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            names[row["code"]] = row["name"]
            for name in [row["name"], *filter(None, row["aliases"].split("|"))]:
                codes.setdefault(name, []).append(row["code"])
    return names, codes
