"""Who handles a matter that is not this city's: the cities of 跨市通办, and the other public lines. Pure."""

from typing import Any

from pydantic import Field

from core.records import Record


class PartnerCity(Record):
    """A city of 跨市通办. `codes` begin the area codes of its places, `dialling` its telephone numbers."""

    name: str
    codes: tuple[str, ...] = Field(min_length=1)
    dialling: str = Field(pattern=r"^0\d{2,3}$")
    names: tuple[str, ...] = Field(min_length=1)


class OtherLine(Record):
    """Another public line. A matter is perhaps its own when a keyword is said in one of its categories (none: in all).

    `hand_over` is what is told the other line, `advice` what the seat does on the telephone.
    """

    number: str = Field(pattern=r"^\d{3,6}$")
    name: str
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = Field(min_length=1)
    hand_over: str
    advice: str
    source: str
    confirm: str = ""


class Elsewhere:
    """The partner cities by name and the other lines by number."""

    def __init__(self, cities: list[PartnerCity], lines: list[OtherLine]) -> None:
        self.cities = {city.name: city for city in cities}
        self.lines = {line.number: line for line in lines}

    @classmethod
    def from_data(cls, cities: Any, lines: Any) -> "Elsewhere":
        """The content of `city/partner_cities.yml` and `city/other_lines.yml`. Raises pydantic's ValidationError."""
        return cls(
            [PartnerCity.model_validate(entry) for entry in cities["cities"]],
            [OtherLine.model_validate(entry) for entry in lines["lines"]],
        )

    def city_of(self, area_code: str) -> PartnerCity | None:
        """The partner city an area code lies in."""
        return next((c for c in self.cities.values() if area_code.startswith(c.codes)), None)

    def cities_in(self, text: str) -> list[PartnerCity]:
        """The partner cities a text names."""
        return [city for city in self.cities.values() if any(name in text for name in city.names)]

    def lines_for(self, category: str | None, text: str) -> list[OtherLine]:
        """The other lines whose matter this may be."""
        return [
            line
            for line in self.lines.values()
            if (not line.categories or category in line.categories) and any(word in text for word in line.keywords)
        ]
