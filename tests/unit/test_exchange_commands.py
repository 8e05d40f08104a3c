"""Taking a file in on the command line, with the bot's help."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from core.city import City
from core.database import Database
from desk.exchange.sources import Sources
from desk.orders.listing import Filters, page
from hotline.exchange import import_file
from tests.fakes import SetClock

pytestmark = pytest.mark.unit


def test_the_bot_finds_categories_that_are_missing_and_they_are_no_content_of_the_platform(
    sqlite: Database, city: City, clock: SetClock, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("工单编号,诉求内容,诉求类别\nP-1,路灯不亮,\nP-2,，,\nP-3,欠薪,劳动就业\n", "utf-8")
    asked: list[str] = []

    def parse(messages: list[dict[str, str]]) -> list[dict[str, Any]]:
        asked.extend(message["text"] for message in messages)
        found = {"路灯不亮": ("02", [["02", 0.9], ["01", 0.1]])}
        return [dict(zip(("category", "ranking"), found.get(m["text"], ("", [])), strict=True)) | m for m in messages]

    def take(classify: Any) -> list[int]:
        source, console = Sources.of_city(city).named("province"), Console(quiet=True)
        modes = {"preview": False, "all_or_nothing": True}
        report = import_file(console, sqlite, city, source, file, clock, classify=classify, **modes)
        return [report.opened, report.supplemented, report.unchanged, report.refused]

    assert take(parse) == [3, 0, 0, 0]
    assert asked == ["路灯不亮", "，"]
    wages, empty, lamp = sqlite.read_now(lambda c: page(c, Filters()))
    assert (lamp.category, lamp.confidence, lamp.state) == ("02", 0.9, "pending_dispatch")
    assert (empty.category, empty.state) == (None, "pending_acceptance")
    assert (wages.category, wages.confidence) == ("11", None)
    assert take(None) == [0, 0, 3, 0]
