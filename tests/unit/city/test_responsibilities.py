"""The table of responsibilities, the units, and how well the suggestion finds them."""

from collections.abc import Callable
from typing import Any

import pytest

from core.city import City
from core.responsibilities import Table
from core.units import Level
from desk.orders.model import WorkOrder
from desk.units.dispatch import Suggestion, suggest
from desk.units.returns import Returned
from tests.system import ROOT

pytestmark = pytest.mark.unit

FLOOR = {"dispatch": 0.97, "dispatch_drawn": 0.95}
"""Share of right rows and of right units below which the table has got worse."""


def matters(name: str) -> list[list[str]]:
    """The matters of a file: category, area, text, row, unit."""
    lines = (ROOT / "tests" / "understanding" / f"{name}.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


Suggest = Callable[..., Suggestion]


@pytest.fixture
def suggested(city: City, noise_complaint: dict[str, Any]) -> Suggest:
    """Suggests a unit for an order of the cast with other words, place or category."""

    def of(returns: tuple[Returned, ...] = (), absent: frozenset[str] = frozenset(), **changes: Any) -> Suggestion:
        kept: dict[str, Any] = {
            **dict.fromkeys(("conversation_id", "message_id", "unit")),
            "number": "20261124-000015",
            "query_code": "123456",
            "state": "pending_dispatch",
            "assist_units": [],
            "automatic": False,
            "urgency": "ordinary",
            "complex": False,
            "extended": False,
            "dispatches": 0,
            "redone": 0,
            "created_at": "2026-11-24T01:30:00Z",
            "updated_at": "2026-11-24T01:30:00Z",
        }
        return suggest(WorkOrder.model_validate({**noise_complaint, **kept, **changes}), city, returns, absent)

    return of


def test_every_category_has_a_general_row_and_special_ones(city: City) -> None:
    table = city.responsibilities
    assert {row.category for row in table.rows} == set(city.categories)
    for category in city.categories:
        assert table.general(category).is_general
        assert sum(row.category == category for row in table.rows) > 1


def test_every_unit_of_the_table_is_in_the_tree_and_every_area_is_known(city: City) -> None:
    for row in city.responsibilities.rows:
        assert {row.lead, *row.assist} <= set(city.units.tasks), row.id
        assert not row.area or row.area in city.areas, row.id


def test_the_tree_hangs_together(city: City) -> None:
    units = city.units
    reached, waiting = set(), [units.root.name]
    while waiting:
        reached.add(waiting[-1])
        waiting += [lower.name for lower in units.children(waiting.pop())]
    assert reached == set(units.by_name)


def test_a_changed_row_changes_the_version_of_the_table(city: City) -> None:
    rows = city.responsibilities.rows
    changed = (rows[0].model_copy(update={"lead": "公安局"}), *rows[1:])
    assert Table(reversed(rows)).version == city.responsibilities.version
    assert Table(changed).version != city.responsibilities.version


@pytest.mark.parametrize(
    ("change", "told"),
    [({"id": "02-01"}, "02-01"), ({"id": "01-02"}, "there twice"), ({"keywords": ""}, "two general rows")],
)
def test_a_table_that_contradicts_itself_is_refused(city: City, change: dict[str, str], told: str) -> None:
    lines = city.read_rows("responsibilities.csv")
    lines[1] = {**lines[1], **change}
    with pytest.raises(ValueError, match=told):
        Table.from_cells(lines)


@pytest.mark.parametrize(
    ("lower", "upper", "below"),
    [
        ("咸安区生态环境局", "咸宁市生态环境局", True),
        ("咸安区温泉街道", "咸安区生态环境局", True),
        ("咸安区温泉街道泉塘社区", "咸安区温泉街道", True),
        ("咸安区公安局温泉派出所", "咸安区公安局", True),
        ("咸安区公安局温泉派出所", "咸安区生态环境局", True),
        ("咸安区公安局", "咸宁市生态环境局", False),
        ("嘉鱼县鱼岳镇", "咸安区生态环境局", False),
        ("咸宁市生态环境局", "咸安区生态环境局", False),
        ("咸安区生态环境局", "咸安区生态环境局", False),
    ],
)
def test_work_goes_down_inside_an_area_and_a_task(city: City, lower: str, upper: str, below: bool) -> None:
    assert city.units.is_below(lower, upper) is below


@pytest.mark.parametrize("name", FLOOR)
def test_the_suggestion_finds_row_and_unit(suggested: Suggest, name: str) -> None:
    rows = units = certain = wrong = 0
    asked = matters(name)
    for category, area, text, row, unit in asked:
        found = suggested(category=category, area_code=area, text=text, confidence=0.95, nature=None)
        rows += found.row == row
        units += found.unit == unit
        certain += found.certain
        wrong += found.certain and found.unit != unit
    print(f"{name}: row {rows / len(asked):.1%}, unit {units / len(asked):.1%}, certain {certain / len(asked):.1%}")
    assert min(rows, units) / len(asked) >= FLOOR[name]
    assert wrong / certain <= 1 - FLOOR[name]


def test_rows_that_compete_are_told_and_wait_for_the_dispatcher(suggested: Suggest) -> None:
    found = suggested(text="饭店油烟大，旁边工地夜间施工也吵")
    assert found.row == "09-01"
    assert [(rival.row, rival.unit) for rival in found.runners_up] == [("09-04", "咸安区城市管理执法局")]
    assert not found.certain
    assert any("09-04" in reason for reason in found.reasons)


def test_no_sentence_of_the_matters_is_sent_to_one_of_two_units_silently(city: City, suggested: Suggest) -> None:
    for category, area, text, _, _ in [*matters("dispatch"), *matters("dispatch_drawn")]:
        found = suggested(category=category, area_code=area, text=text, confidence=0.95, nature=None)
        fits = city.responsibilities.fitting(category, area, text)
        best = next(fit for fit in fits if fit.row.id == found.row)
        rivals = [fit.row for fit in fits if not fit.row.is_general and not best.covers(fit)]
        others = {(row.lead, row.level) for row in rivals} - {(best.row.lead, best.row.level)}
        assert bool(found.runners_up) == bool(others), text


def test_a_unit_that_returned_the_order_is_not_suggested_again_and_its_clause_is_shown(suggested: Suggest) -> None:
    gone = Returned(unit="咸安区住房和城市更新局", reason="不是工地", clause="职责表09-01")
    found = suggested(returns=(gone,), text="工地半夜打桩")
    assert found.unit == "咸安区生态环境局"
    assert gone.unit not in found.assist_units
    assert not found.certain
    assert any(gone.clause in reason for reason in found.reasons)


def test_when_everybody_who_fits_has_returned_it_nobody_is_suggested(suggested: Suggest) -> None:
    gone = tuple(
        Returned(unit=unit, reason="不属于", clause="第3条") for unit in ("咸安区住房和城市更新局", "咸安区生态环境局")
    )
    found = suggested(returns=gone, text="工地半夜打桩")
    assert (found.unit, found.row) == (None, "09-01")


@pytest.mark.parametrize(
    ("changes", "unit", "certain"),
    [
        ({"text": "咸安到嘉鱼的客车为什么停了", "category": "06"}, "咸宁市交通运输局", False),
        ({"text": "全市统一的公交卡什么时候有", "category": "06"}, "咸宁市交通运输局", True),
        ({"text": "养老金政策今年怎么调", "category": "12", "nature": "咨询"}, "咸宁市人力资源和社会保障局", True),
        ({"text": "养老金政策执行不到位", "category": "12", "nature": "投诉"}, "咸安区人力资源和社会保障局", True),
        ({"text": "村账不公开", "category": "17", "area_code": "421202"}, None, False),
        ({"text": "红绿灯坏了", "category": "07", "area_code": None}, "咸宁市公安局交警支队", False),
    ],
)
def test_the_level_follows_how_far_the_matter_reaches(
    suggested: Suggest, changes: dict[str, Any], unit: str | None, certain: bool
) -> None:
    found = suggested(**changes)
    assert (found.unit, found.certain) == (unit, certain)


def test_who_stands_in_is_named_while_the_head_is_away(suggested: Suggest) -> None:
    assert suggested().stand_in is None
    assert suggested(absent=frozenset({"咸安区生态环境局"})).stand_in == "分管热线工作的副职（B角）"


def test_a_matter_of_another_city_or_line_is_recognised(suggested: Suggest) -> None:
    assert suggested(area_code=None, text="武汉地铁上丢了东西").refer_to == "武汉市"
    assert suggested(area_code="429005").refer_to == "潜江市"
    assert not suggested(area_code="429005").certain
    assert suggested(text="在武汉住院怎么报销", category="12").refer_to is None
    assert suggested(category="20", text="个税怎么退").other_lines == ["12366"]


def test_a_name_written_wrong_is_answered_with_the_nearest(city: City) -> None:
    assert city.units.nearest("咸安区环境局")[0] == "咸安区生态环境局"
    assert city.units.nearest("zzz") == []


def test_a_county_task_without_a_place_is_the_citys(city: City) -> None:
    unit = city.units.of_task("邮政管理局", "421221", Level.COUNTY)
    assert unit is not None
    assert unit.name == "咸宁市邮政管理局"
