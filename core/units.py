"""承办单位 of the city as a tree: bureaus of the city and of the counties, towns, villages.

Every area is a unit, named by its path (咸安区温泉街道): it stands for the people who govern it. A bureau is a task
at a level: 生态环境局 is 咸宁市生态环境局 in the city and 嘉鱼县生态环境局 in a county.
"""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field
from rapidfuzz import fuzz, process

from core.problems import Problem
from core.records import Record

MOST_NEAR = 3
LEAST_LIKENESS = 50.0


class Level(StrEnum):
    """市县乡村: how far a unit's say reaches."""

    CITY = "city"
    COUNTY = "county"
    TOWN = "town"
    VILLAGE = "village"


CODE_LENGTH = {Level.CITY: 6, Level.COUNTY: 6, Level.TOWN: 9, Level.VILLAGE: 12}
"""Digits of the area code of a unit of a level."""
_RANK = {level: rank for rank, level in enumerate(Level)}


class Task(Record):
    """What a bureau is for, at which levels it exists, and who stands in for its head (AB角).

    `city_name` is its name in the city where it is another: 公安局交警支队 beside the counties' 公安局交警大队.
    """

    name: str
    levels: tuple[Level, ...] = (Level.CITY, Level.COUNTY)
    city_name: str | None = None
    stand_in: str | None = None


class NamedUnit(Record):
    """A unit with a name of its own below another, e.g. a police station."""

    name: str
    under: str
    level: Level
    area: str = Field(pattern=r"^\d{6}(\d{3}){0,2}$")
    stand_in: str | None = None


class CityKeeps(Record):
    """What goes to the city's bureau although the county is known (分级处置)."""

    natures: tuple[str, ...]
    words: tuple[str, ...]
    whole: tuple[str, ...]


class UnitsFile(Record):
    """The content of `city/units.yml`."""

    office: str
    stand_in: str
    city_keeps: CityKeeps
    area_leads: dict[str, Level]
    tasks: tuple[Task, ...]
    named: tuple[NamedUnit, ...] = ()


class Unit(Record):
    """One unit. `parent` is where it stands in the tree, None for the city itself; `task` is None for an area."""

    name: str
    level: Level
    area: str
    parent: str | None
    task: str | None
    stand_in: str


class Units:
    """All units of a city by name. Raises ValueError for a name that two units share, or a parent there is not."""

    def __init__(self, file: UnitsFile, paths: dict[str, str], city: str) -> None:
        """`paths` are the names of all areas by code, joined from the county down; `city` is the city's own code."""
        self._file = file
        self._paths = paths
        self._city = city
        self._tasks = {task.name: task for task in file.tasks}
        self.by_name: dict[str, Unit] = {}
        for unit in (*self._areas(), *self._bureaus(), *self._named()):
            if unit.name in self.by_name:
                raise ValueError(f"units: {unit.name} is there twice")
            if unit.parent is not None and unit.parent not in self.by_name:
                raise ValueError(f"units: {unit.name} is under {unit.parent}, which is not a unit")
            self.by_name[unit.name] = unit
        self._children: dict[str | None, list[Unit]] = {}
        for unit in self.by_name.values():
            self._children.setdefault(unit.parent, []).append(unit)
        if file.office not in self.by_name:
            raise ValueError(f"units: the office {file.office} is not a unit")

    @property
    def office(self) -> str:
        """The hotline office, which answers for what is handled outside the city."""
        return self._file.office

    @property
    def city_keeps(self) -> CityKeeps:
        """What goes to the city's bureau although the county is known."""
        return self._file.city_keeps

    @property
    def root(self) -> Unit:
        """The city itself."""
        return self.by_name[self._paths[self._city]]

    @property
    def tasks(self) -> list[str]:
        """What a responsibility can be given to: the tasks of bureaus, and the words for towns and villages."""
        return [*self._tasks, *self._file.area_leads]

    def children(self, name: str) -> list[Unit]:
        """The units right under a unit."""
        return self._children.get(name, [])

    def of_task(self, task: str, area: str | None, reach: Level) -> Unit | None:
        """Who has a task where something happens. `reach` CITY: the city's, wherever it happens.

        Without an area, and for a task no county has, it is the city's. None: the task belongs to towns or villages,
        and the place is not known that closely. Raises KeyError for a word that is no task.
        """
        if (level := self._file.area_leads.get(task)) is not None:
            code = (area or "")[: CODE_LENGTH[level]]
            return self.by_name[self._paths[code]] if len(code) == CODE_LENGTH[level] and code in self._paths else None
        found = self._tasks[task]
        county = (area or self._city)[: CODE_LENGTH[Level.COUNTY]]
        local = reach is not Level.CITY and Level.COUNTY in found.levels and county in self._paths
        return self.by_name[self._bureau_name(found, county if local else self._city)]

    def owner(self, named: str, area: str | None) -> Unit | None:
        """Who a unit named by its task, or by its own name, is where something holds; None where that is nobody."""
        if (unit := self.by_name.get(named)) is not None:
            return unit
        if named in self._tasks or named in self._file.area_leads:
            return self.of_task(named, area, Level.COUNTY)
        return None

    def may_keep(self, unit: str, named: str, area: str | None) -> bool:
        """Whether what belongs to a unit, named as for `owner`, is in the hands of another: its own, or one below."""
        owner = self.owner(named, area)
        return owner is not None and (owner.name == unit or self.is_below(owner.name, unit))

    def is_below(self, lower: str, upper: str) -> bool:
        """Whether work may be handed down from one unit to the other.

        It has a lower level and lies inside the other's area; from a bureau to a bureau the task is the same, or the
        lower one stands under the upper one in the tree. False for a name that is no unit (any more).
        """
        low, up = self.by_name.get(lower), self.by_name.get(upper)
        if low is None or up is None:
            return False
        if low.parent == upper:
            return True
        inside = up.level is Level.CITY or low.area.startswith(up.area)
        same_task = low.task is None or up.task is None or low.task == up.task
        return _RANK[low.level] > _RANK[up.level] and inside and same_task

    def nearest(self, name: str) -> list[str]:
        """Names of units that are written much like this one, the likest first."""
        found = process.extract(
            name, self.by_name.keys(), scorer=fuzz.ratio, limit=MOST_NEAR, score_cutoff=LEAST_LIKENESS
        )
        return [near for near, _, _ in found]

    def require(self, name: str, field: str) -> None:
        """Raise Problem 422 for `field`, with the nearest names, when there is no such unit."""
        if name not in self.by_name:
            nearest = self.nearest(name)
            detail = f"{field}: no unit {name!r}; the nearest are {'、'.join(nearest) or 'GET /api/units'}"
            raise Problem(422, "Unprocessable Content", detail, field=field, nearest=nearest)

    def _areas(self) -> Iterable[Unit]:
        levels = {6: Level.COUNTY, 9: Level.TOWN, 12: Level.VILLAGE}
        yield self._area_unit(self._city, Level.CITY, None)
        for code in sorted(self._paths, key=len):
            if code != self._city:
                parent = self._city if len(code) == CODE_LENGTH[Level.COUNTY] else code[:-3]
                yield self._area_unit(code, levels[len(code)], self._paths[parent])

    def _area_unit(self, code: str, level: Level, parent: str | None) -> Unit:
        return Unit(
            name=self._paths[code], level=level, area=code, parent=parent, task=None, stand_in=self._file.stand_in
        )

    def _bureaus(self) -> Iterable[Unit]:
        counties = [code for code in self._paths if len(code) == CODE_LENGTH[Level.COUNTY] and code != self._city]
        for task in self._file.tasks:
            for level, codes in ((Level.CITY, [self._city]), (Level.COUNTY, counties)):
                for code in codes if level in task.levels else ():
                    yield Unit(
                        name=self._bureau_name(task, code),
                        level=level,
                        area=code,
                        parent=self._paths[code],
                        task=task.name,
                        stand_in=task.stand_in or self._file.stand_in,
                    )

    def _bureau_name(self, task: Task, code: str) -> str:
        own = task.city_name if code == self._city else None
        return self._paths[code] + (own or task.name)

    def _named(self) -> Iterable[Unit]:
        for unit in self._file.named:
            yield Unit(
                name=unit.name,
                level=unit.level,
                area=unit.area,
                parent=unit.under,
                task=None,
                stand_in=unit.stand_in or self._file.stand_in,
            )
