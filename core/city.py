"""The city the system serves, as data: its name, its 22 categories, its areas, its units and what they answer for."""

import csv
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from core.elsewhere import Elsewhere
from core.records import Record
from core.responsibilities import Table
from core.units import Units, UnitsFile

LEVELS = (6, 9, 12)
"""Digits of the code of a 县市区, a 乡镇街道, a 村社区."""


class Category(Record):
    """One of the 22 work-order categories. `slug` is the bot's intent of the same meaning."""

    id: str = Field(pattern=r"^\d{2}$")
    slug: str = Field(pattern=r"^[a-z_]+$")
    name: str
    description: str
    keywords: tuple[str, ...] = ()
    asks_time: bool = False


class Area(Record):
    """A place in the tree 市 → 县市区 → 乡镇街道 → 村社区; its parent's code is a prefix of its own."""

    code: str = Field(pattern=r"^\d{6}(\d{3}){0,2}$")
    name: str
    aliases: tuple[str, ...] = ()


class City:
    """Reads `city/` once. Raises FileNotFoundError or pydantic's ValidationError naming what is wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, Any] = {}
        about = self.read("city.yml")
        self.name: str = about["name"]
        self.short_name: str = about["short_name"]
        self.code: str = str(about["code"])
        self.timezone: str = about["timezone"]
        self.jurisdiction_id: str = about["jurisdiction_id"]

    def read(self, file: str) -> Any:
        """The content of one YAML file of the city's folder, the caller's own to change."""
        if file not in self._files:
            self._files[file] = yaml.safe_load((self.folder / file).read_text("utf-8"))
        return deepcopy(self._files[file])

    def read_rows(self, file: str) -> list[dict[str, str]]:
        """The lines of one CSV file of the city's folder by column; lines that begin with # explain the file."""
        with (self.folder / file).open(encoding="utf-8-sig", newline="") as lines:
            return list(csv.DictReader(line for line in lines if not line.lstrip('"').startswith("#")))

    @cached_property
    def categories(self) -> dict[str, Category]:
        """All categories by id, in the order of the ids."""
        listed = self.read("categories.yml")["categories"]
        return {category.id: category for category in (Category(**entry) for entry in listed)}

    @cached_property
    def areas(self) -> dict[str, Area]:
        """All areas by code."""
        return {
            row["code"]: Area(
                code=row["code"], name=row["name"], aliases=tuple(filter(None, row["aliases"].split("|")))
            )
            for row in self.read_rows("areas.csv")
        }

    @cached_property
    def units(self) -> Units:
        """All units of the city as a tree."""
        paths = {code: self.area_path(code) for code in self.areas}
        return Units(UnitsFile.model_validate(self.read("units.yml")), paths, self.code)

    @cached_property
    def responsibilities(self) -> Table:
        """《工单部门职责一览表》. Raises ValueError for a row that names no task of `units.yml` or no area."""
        table = Table.from_cells(self.read_rows("responsibilities.csv"))
        for row in table.rows:
            if unknown := {row.lead, *row.assist} - set(self.units.tasks):
                raise ValueError(f"responsibilities: row {row.id} names {'、'.join(unknown)}, which units.yml does not")
            if row.area and row.area not in self.areas:
                raise ValueError(f"responsibilities: row {row.id} is for {row.area}, which areas.csv does not have")
        return table

    @cached_property
    def elsewhere(self) -> Elsewhere:
        """The cities that handle matters for each other, and the other public lines."""
        return Elsewhere.from_data(self.read("partner_cities.yml"), self.read("other_lines.yml"))

    def has_place(self, code: str) -> bool:
        """Whether a code is of an area of this city, or lies in a city that handles matters with this one."""
        return code in self.areas or self.elsewhere.city_of(code) is not None

    def area_path(self, code: str) -> str:
        """The names from the county down to `code`, joined: 咸安区温泉街道; for a partner city its name.

        Raises KeyError for an unknown code.
        """
        if code == self.code:
            return self.areas[code].name
        if code not in self.areas and (partner := self.elsewhere.city_of(code)) is not None:
            return partner.name
        return "".join(self.areas[code[:length]].name for length in LEVELS if length <= len(code))

    def area_in(self, address: str) -> str | None:
        """The smallest area an address names, None without one; of several that fit as well, what holds them all.

        Only whole names count: 赤壁大道 is not in 赤壁市.
        """
        named = {area.code for area in self.areas.values() if area.code != self.code and area.name in address}
        depth = {code: sum(code[:length] in named for length in LEVELS if length <= len(code)) for code in named}
        best = [code for code in named if depth[code] == max(depth.values())]
        for length in reversed(LEVELS):
            if len(shared := {code[:length] for code in best}) == 1:
                return shared.pop()
        return None
