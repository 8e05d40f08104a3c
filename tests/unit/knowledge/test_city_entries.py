"""The entries that come with the project can be told to citizens as they are."""

import re
from collections import Counter
from datetime import date

import pytest

from core.city import City
from knowledge.content import Content
from knowledge.stock import stocked

pytestmark = pytest.mark.unit

LONGEST_SHORT = 110


@pytest.fixture(scope="module")
def entries(city: City) -> dict[str, Content]:
    """All of them."""
    return dict(stocked(city))


def test_there_are_enough_of_them_for_a_start(entries: dict[str, Content]) -> None:
    assert len(entries) >= 400
    assert sum(bool(content.matters) for content in entries.values()) >= 7


def test_each_names_the_law_it_rests_on_with_its_date(entries: dict[str, Content]) -> None:
    assert [entry_id for entry_id, content in entries.items() if not content.basis] == []
    newest = {entry_id: max(basis.date for basis in content.basis) for entry_id, content in entries.items()}
    assert {entry_id: day for entry_id, day in newest.items() if day > date(2026, 11, 25)} == {}


def test_each_is_of_a_category_and_a_unit_of_the_city(entries: dict[str, Content], city: City) -> None:
    assert {c.category for c in entries.values()} <= set(city.categories)
    assert {c.unit for c in entries.values()} <= set(city.units.tasks)
    assert {c.area for c in entries.values() if c.area} <= set(city.areas)


def test_no_two_are_asked_for_alike(entries: dict[str, Content]) -> None:
    asked = Counter(re.sub(r"\W", "", phrase) for content in entries.values() for phrase in content.phrases)
    assert [phrase for phrase, count in asked.items() if count > 1] == []


def test_the_telephone_is_told_two_sentences_at_most_and_no_address_of_the_web(entries: dict[str, Content]) -> None:
    for entry_id, content in entries.items():
        assert 0 < len(content.short) <= LONGEST_SHORT, entry_id
        assert len(re.findall("[。！？]", content.short)) <= 2, entry_id
        assert not re.search(r"https?:|www\.", content.short), entry_id


def test_a_thing_leads_through_entries_that_are_there(entries: dict[str, Content]) -> None:
    led = {matter.entry for content in entries.values() for matter in content.matters}
    assert led <= set(entries)


def test_no_telephone_stands_in_them_but_the_public_ones(entries: dict[str, Content]) -> None:
    for entry_id, content in entries.items():
        assert not re.findall(r"(?<!\d)(?:1[3-9]\d{9}|0\d{2,3}-?\d{7,8})(?!\d)", content.body), entry_id
