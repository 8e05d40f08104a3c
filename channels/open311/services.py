"""The services: the city's categories, with what applications may ask for each (`definitions.yml`)."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from core.city import Category, City


class Attribute(BaseModel):
    """Something an application may ask besides the description; it becomes `field` of the order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[A-Z_]+$")
    field: Literal["nature", "confidential", "occurred", "company_name", "credit_code"]
    datatype: Literal["string", "singlevaluelist"]
    description: str
    hint: str
    values: dict[str, str] = {}
    categories: frozenset[str] = frozenset()

    def as_told(self, order: int) -> dict[str, Any]:
        """The attribute as a service definition lists it; `order` is its place there."""
        told = {
            "variable": True,
            "code": self.code,
            "datatype": self.datatype,
            "required": False,
            "datatype_description": self.hint,
            "order": order,
            "description": self.description,
        }
        values = [{"key": key, "name": name} for key, name in self.values.items()]
        return {**told, "values": values} if values else told


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    attributes: tuple[Attribute, ...]
    groups: dict[str, frozenset[str]]


class Services:
    """The services of one city. Raises pydantic's ValidationError for a file that is wrong."""

    def __init__(self, city: City) -> None:
        written = yaml.safe_load(Path(__file__).with_name("definitions.yml").read_text("utf-8"))
        self._file = _File.model_validate(written)
        self._categories = city.categories

    def __contains__(self, code: str) -> bool:
        return code in self._categories

    def name(self, code: str) -> str:
        """The name of a service, or its code once the city has it no longer."""
        return self._categories[code].name if code in self else code

    def attributes(self, code: str) -> dict[str, Attribute]:
        """What may be asked for a service, by the attributes' codes."""
        asked = self._file.attributes
        return {one.code: one for one in asked if not one.categories or code in one.categories}

    def listed(self) -> list[dict[str, Any]]:
        """All services, as GeoReport v2 lists them."""
        return [self._listed(category) for category in self._categories.values()]

    def definition(self, code: str) -> dict[str, Any]:
        """What may be asked for a service, as GeoReport v2 tells it."""
        asked = self.attributes(code).values()
        return {"service_code": code, "attributes": [one.as_told(place) for place, one in enumerate(asked, 1)]}

    def _listed(self, category: Category) -> dict[str, Any]:
        return {
            "service_code": category.id,
            "service_name": category.name,
            "description": category.description,
            "metadata": bool(self.attributes(category.id)),
            "type": "realtime",
            "keywords": ", ".join(category.keywords),
            "group": next((name for name, ids in self._file.groups.items() if category.id in ids), None),
        }
