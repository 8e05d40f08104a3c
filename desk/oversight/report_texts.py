"""The texts of reports, by the templates of `city/reports.yml`. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from string import Formatter
from typing import Annotated, Any

from pydantic import AfterValidator

from core.city import City
from core.clock import to_city_time
from core.records import Record
from desk.life.lifecycle import Move
from desk.orders.model import Event, WorkOrder
from desk.orders.words import words
from desk.personal_data.privacy import without_person

MINUTES_A_DAY = 24 * 60


class _Blank(dict[str, Any]):
    """The fields of a line: what an event does not say stays empty."""

    def __missing__(self, key: str) -> str:
        return ""


def _a_template(text: str) -> str:
    for _, name, *_ in Formatter().parse(text):
        if name is not None and not name.isidentifier():
            raise ValueError(f"{{{name}}} is no field; write a name, as in {{number}}")
    return text


Template = Annotated[str, AfterValidator(_a_template)]


class SpecialReportTemplate(Record):
    """How a 专报 is written."""

    text: Template
    story: dict[str, Template]
    opinions: dict[str, Template]


class BundleTemplate(Record):
    """How a 同类诉求专报 is written."""

    text: Template
    unit: Template
    order: Template


class Templates(Record):
    """All of `city/reports.yml`. Raises pydantic's ValidationError naming what is wrong."""

    hidden: str
    special_report: SpecialReportTemplate
    bundle: BundleTemplate


class Writer:
    """Writes a city's reports. Raises pydantic's ValidationError for templates that cannot be used."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.templates = Templates.model_validate(city.read("reports.yml"))

    def special_report(self, order: WorkOrder, events: Sequence[Event], now: datetime) -> str:
        """The 专报 of an order out of its log."""
        template, told = self.templates.special_report, list(_told(events))
        granted = [event.data for event in events if event.kind == Move.GRANT_RETURN]
        category = self.city.categories.get(order.category or "")
        return template.text.format_map(
            _Blank(
                number=order.number,
                line=words()["lines"][order.line],
                category=category.name if category else "",
                nature=order.nature or "",
                area=self.area(order.area_code),
                opened=day(order.created_at),
                today=day(now),
                matter=self.summary(order),
                dispatches=order.dispatches,
                returns=len(granted),
                lost_days=_days(sum(data["lost_minutes"] for data in granted)),
                story=without_person(_lines(template.story, told), order, self.templates.hidden),
                opinions=without_person(_lines(template.opinions, told), order, self.templates.hidden),
            )
        )

    def bundle(self, figures: dict[str, Any], orders: Sequence[WorkOrder]) -> str:
        """The 同类诉求专报 of orders whose figures are known."""
        template = self.templates.bundle
        units = Counter(order.unit or words()["results"]["no_unit"] for order in orders)
        lines = [
            template.order.format_map(
                _Blank(
                    number=order.number,
                    opened=day(order.created_at),
                    unit=order.unit or words()["results"]["no_unit"],
                    state=words()["states"][order.state],
                    summary=self.summary(order),
                )
            )
            for order in orders
        ]
        by_unit = [template.unit.format_map(_Blank(unit=unit, count=count)) for unit, count in units.most_common()]
        return template.text.format_map(_Blank(figures | {"units": "\n".join(by_unit), "orders": "\n".join(lines)}))

    def summary(self, order: WorkOrder) -> str:
        """What an order is about, without who said it."""
        return without_person(order.summary or order.text, order, self.templates.hidden)

    def area(self, code: str | None) -> str:
        """The names of an area; the city's own for a matter without one."""
        return self.city.area_path(code) if code in self.city.areas else self.city.name


def share(part: float | None) -> str:
    """`40%`; a dash where there is nothing to count."""
    return "–" if part is None else f"{part:.0%}"


def day(moment: datetime) -> str:
    """The day of a moment in the city."""
    return f"{to_city_time(moment):%Y-%m-%d}"


def _told(events: Sequence[Event]) -> Iterator[tuple[str, _Blank]]:
    """What each event says, in people's words, and which unit had the order then."""
    unit = ""
    for event in events:
        if event.kind in (Move.DISPATCH, Move.ASSIGN):
            unit = event.data["unit"]
        said = {name: _in_words(name, value) for name, value in event.data.items()}
        moment = f"{to_city_time(event.at):%m-%d %H:%M}"
        yield event.kind, _Blank({"unit": unit, **said, **_result(event), "at": moment})


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "、".join(str(part) for part in value)
    kinds = {"outcome": "outcomes", "light": "lights", "step": "steps", "level": "levels"}
    return words()[kinds[name]][value] if name in kinds else str(value)


def _result(event: Event) -> dict[str, str]:
    say, data = words()["results"], event.data
    if event.kind == "coordinate":
        return {"result": say["agreed" if data["agreed"] else "not_agreed"]}
    if event.kind == "callback":
        reached = "satisfied" if data.get("satisfied") else "unsatisfied"
        return {"result": say[reached if data["reached"] else "unreached"]}
    if event.kind == Move.GRANT_RETURN:
        return {"lost_days": _days(data["lost_minutes"])}
    return {}


def _lines(templates: dict[str, str], told: Sequence[tuple[str, _Blank]]) -> str:
    return "\n".join(templates[kind].format_map(fields) for kind, fields in told if kind in templates)


def _days(minutes: int) -> str:
    return f"{minutes / MINUTES_A_DAY:.1f}"
