"""Which unit an order belongs to, and why. Pure.

The table is the city's data: each category's lead and assisting units (`city/categories.yml`). A unit is named by its
task; the level, 市 or 县市区, comes before it, by the area of the matter (分级处置).
"""

from pydantic import BaseModel

from core.city import City
from desk.model import WorkOrder
from desk.words import words

COUNTY = 6
"""Digits of a county's code."""
SURE = 0.8
"""Probability of the category from which a suggestion needs no dispatcher."""


class Suggestion(BaseModel):
    """The unit an order should go to. `reasons` are what it was derived from, in the dispatcher's words."""

    unit: str | None
    assist_units: list[str]
    certain: bool
    reasons: list[str]


def suggest(order: WorkOrder, city: City) -> Suggestion:
    """The unit for an order; none when a person has to find the category first."""
    say = words()["dispatch"]
    category = city.categories.get(order.category or "")
    if category is None:
        return Suggestion(unit=None, assist_units=[], certain=False, reasons=[say["no_category"]])
    lead = category.units.lead
    reasons = [say["by_table"].format(id=category.id, category=category.name, lead=lead)]
    reasons.append(say["by_area"].format(area=city.area_path(order.area_code)) if order.area_code else say["no_area"])
    if order.confidence is not None:
        reasons.append(say["confidence"].format(confidence=f"{order.confidence:.0%}"))
    return Suggestion(
        unit=_level(order, city, lead) + lead,
        assist_units=[_level(order, city, unit) + unit for unit in category.units.assist],
        certain=order.area_code is not None and (order.confidence is None or order.confidence >= SURE),
        reasons=reasons,
    )


def _level(order: WorkOrder, city: City, unit: str) -> str:
    """The county's name, or the city's where the unit or the matter has no county."""
    county = (order.area_code or city.code)[:COUNTY]
    return city.name if county == city.code or unit in city.city_units else city.areas[county].name
