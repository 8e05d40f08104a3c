"""The city the system serves, as data: its name, its 22 categories, its area tree."""

import csv
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Units(_Record):
    """承办单位 a category goes to when nothing more special is known."""

    lead: str
    assist: tuple[str, ...] = ()


class Category(_Record):
    """One of the 22 work-order categories. `slug` is the bot's intent of the same meaning."""

    id: str = Field(pattern=r"^\d{2}$")
    slug: str = Field(pattern=r"^[a-z_]+$")
    name: str
    description: str
    units: Units
    keywords: tuple[str, ...] = ()
    asks_time: bool = False


class Area(_Record):
    """A place in the tree 市 → 县市区 → 乡镇街道 → 村社区; its parent's code is a prefix of its own."""

    code: str = Field(pattern=r"^\d{6}(\d{3}){0,2}$")
    name: str
    aliases: tuple[str, ...] = ()


class City:
    """Reads `city/` once. Raises FileNotFoundError or pydantic's ValidationError naming what is wrong."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        about = self.read("city.yml")
        self.name: str = about["name"]
        self.short_name: str = about["short_name"]
        self.code: str = str(about["code"])
        self.timezone: str = about["timezone"]
        self.city_units: frozenset[str] = frozenset(about.get("city_units") or ())

    def read(self, file: str) -> Any:
        """The content of one YAML file of the city's folder."""
        return yaml.safe_load((self._folder / file).read_text("utf-8"))

    @cached_property
    def categories(self) -> dict[str, Category]:
        """All categories by id, in the order of the ids."""
        listed = self.read("categories.yml")["categories"]
        return {category.id: category for category in (Category(**entry) for entry in listed)}

    @cached_property
    def areas(self) -> dict[str, Area]:
        """All areas by code."""
        with (self._folder / "areas.csv").open(encoding="utf-8", newline="") as file:
            rows = [(row["code"], row["name"], row["aliases"]) for row in csv.DictReader(file)]
        return {
            code: Area(code=code, name=name, aliases=tuple(alias for alias in aliases.split("|") if alias))
            for code, name, aliases in rows
        }

    def area_path(self, code: str) -> str:
        """The names from the county down to `code`, joined: 咸安区温泉街道. Raises KeyError for an unknown code."""
        if code == self.code:
            return self.areas[code].name
        return "".join(self.areas[code[:length]].name for length in (6, 9, 12) if length <= len(code))
