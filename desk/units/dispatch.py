"""Which unit an order belongs to, and why. Pure.

《工单部门职责一览表》 (`core/responsibilities.py`) says which task it is; the level, 市 or 县市区, comes from the
place of the matter and from how far it reaches (分级处置). A unit that has returned the order is not suggested again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from core.city import City
from core.responsibilities import Fit
from core.units import Level
from desk.orders.model import WorkOrder
from desk.orders.words import words
from desk.units.returns import Returned

COUNTY = 6
"""Digits of a county's code."""
SURE = 0.8
"""Probability of the category from which a suggestion needs no dispatcher."""


class Candidate(BaseModel):
    """A row of the table that fits, whom it names here, and by which words it was found."""

    row: str
    unit: str | None
    words: list[str]


class Suggestion(BaseModel):
    """The unit an order should go to. `reasons` are what it was derived from, in the dispatcher's words.

    `row` is the row of the table of version `table` that decides; `runners_up` are rows that compete with it.
    `stand_in` is told while the unit's head is away. `refer_to` is a city of 跨市通办 the matter may belong to,
    `other_lines` are the numbers of other public lines whose matter it may be.
    """

    unit: str | None
    assist_units: list[str]
    certain: bool
    reasons: list[str]
    row: str | None = None
    table: str
    runners_up: list[Candidate] = []
    stand_in: str | None = None
    refer_to: str | None = None
    other_lines: list[str] = []


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far a matter reaches: whose level it is, why, and whether that is beyond doubt."""

    level: Level
    reason: str
    sure: bool


def suggest(
    order: WorkOrder, city: City, returns: Sequence[Returned] = (), absent: Collection[str] = frozenset()
) -> Suggestion:
    """The unit for an order; none when a person has to find the category first.

    `returns` are those of this order the hotline office agreed to, `absent` the units whose head is away now.
    """
    say = words()["dispatch"]
    table = city.responsibilities
    refer_to = _elsewhere(order, city)
    beside = {
        "table": table.version,
        "refer_to": refer_to,
        "other_lines": [line.number for line in city.elsewhere.lines_for(order.category, order.text)],
    }
    if order.category not in city.categories:
        return Suggestion(unit=None, assist_units=[], certain=False, reasons=[say["no_category"]], **beside)
    reach = _reach(order, city)
    fits = table.fitting(order.category, order.area_code, order.text)
    gone = {returned.unit for returned in returns}
    open_fits = [fit for fit in fits if _unit(fit, order, city, reach) not in gone]
    best = open_fits[0] if open_fits else fits[0]
    unit = _unit(best, order, city, reach) if open_fits else None
    rivals = [fit for fit in fits if fit is not best and not fit.row.is_general and not best.covers(fit)]
    runners_up = [
        Candidate(row=fit.row.id, unit=named, words=list(fit.words))
        for fit in rivals
        if (named := _unit(fit, order, city, reach)) not in (unit, *gone)
    ]
    reasons = [_row_reason(best, city), reach.reason]
    if order.confidence is not None:
        reasons.append(say["confidence"].format(confidence=f"{order.confidence:.0%}"))
    reasons += [say["returned"].format(**returned.model_dump()) for returned in returns]
    reasons += [say["competes"].format(row=rival.row, unit=rival.unit or "—") for rival in runners_up]
    reasons += [say["confirm"].format(what=best.row.confirm)] if best.row.confirm else []
    reasons += [say["refer_to"].format(city=refer_to)] if refer_to else []
    reasons += [say["none_left"]] if not open_fits else []
    reasons += [say["place_too_wide"]] if open_fits and unit is None else []
    known = order.confidence is None or order.confidence >= SURE
    return Suggestion(
        unit=unit,
        assist_units=_assistants(best, order, city, reach, {unit, *gone}),
        certain=bool(unit and reach.sure and known and not runners_up and not returns and not refer_to),
        reasons=reasons,
        row=best.row.id,
        runners_up=runners_up,
        stand_in=(best.row.stand_in or city.units.by_name[unit].stand_in)
        if unit is not None and unit in absent
        else None,
        **beside,
    )


def _unit(fit: Fit, order: WorkOrder, city: City, reach: _Reach) -> str | None:
    return _named(fit.row.lead, fit, order, city, reach)


def _assistants(fit: Fit, order: WorkOrder, city: City, reach: _Reach, without: Collection[str | None]) -> list[str]:
    named = [_named(task, fit, order, city, reach) for task in fit.row.assist]
    return [unit for unit in dict.fromkeys(named) if unit is not None and unit not in without]


def _named(task: str, fit: Fit, order: WorkOrder, city: City, reach: _Reach) -> str | None:
    level = Level.CITY if fit.row.level is Level.CITY else reach.level
    found = city.units.of_task(task, order.area_code, level)
    return None if found is None else found.name


def _reach(order: WorkOrder, city: City) -> _Reach:
    """市级 for a matter without a place, of several counties, of the whole city, or of policy; else the county's."""
    say, keeps = words()["dispatch"], city.units.city_keeps
    if order.area_code is None:
        return _Reach(Level.CITY, say["no_area"], sure=False)
    counties = _counties(order, city)
    if len(counties) > 1:
        return _Reach(Level.CITY, say["several_counties"].format(areas="、".join(counties)), sure=False)
    if any(word in order.text for word in keeps.whole):
        return _Reach(Level.CITY, say["whole_city"], sure=True)
    if order.nature in keeps.natures and any(word in order.text for word in keeps.words):
        return _Reach(Level.CITY, say["policy"], sure=True)
    return _Reach(Level.COUNTY, say["by_area"].format(area=city.area_path(order.area_code)), sure=True)


def _counties(order: WorkOrder, city: City) -> list[str]:
    """The counties the order lies in or speaks of."""
    mine = (order.area_code or "")[:COUNTY]
    return [
        area.name
        for area in city.areas.values()
        if len(area.code) == COUNTY
        and area.code != city.code
        and (area.code == mine or any(name in order.text for name in (area.name, *area.aliases)))
    ]


def _elsewhere(order: WorkOrder, city: City) -> str | None:
    """The partner city the order lies in, or that is named where no place of this city is known."""
    partner = city.elsewhere.city_of(order.area_code) if order.area_code else None
    if partner is None and order.area_code is None:
        partner = next(iter(city.elsewhere.cities_in(order.text)), None)
    return partner.name if partner else None


def _row_reason(fit: Fit, city: City) -> str:
    say, row = words()["dispatch"], fit.row
    known = {"row": row.id, "id": row.category, "category": city.categories[row.category].name, "lead": row.lead}
    if row.is_general:
        return say["by_table"].format(**known)
    return say["by_row"].format(**known, words="、".join(fit.words) or say["this_area"], basis=row.basis)
