"""Words callers are likely to say, for the recogniser."""

from core.city import City
from ivr.prompts import Prompts


def hints_of(city: City, prompts: Prompts) -> list[str]:
    """Commands, departments, then places from large to small: a carrier takes only so many."""
    general = [city.responsibilities.general(category) for category in city.categories]
    departments = [task for row in general for task in (row.lead, *row.assist)]
    areas = sorted(city.areas.values(), key=lambda area: (len(area.code), area.code))
    places = [name for area in areas for name in (area.name, *area.aliases)]
    return list(dict.fromkeys([*prompts.hints, *departments, *places]))
