"""The knowledge base as a citizen reads it, and as a seat uses it beside a conversation."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import opened, serious_faults
from tests.browser.test_citizen_page import TOO_SMALL, TOO_WIDE
from tests.system import ROOT, System, eventually

pytestmark = pytest.mark.browser

SECONDS = 10_000
SOURCE = "《中华人民共和国老年人权益保障法》第五十八条（2018-12-29）"
LAW = {"law": "中华人民共和国老年人权益保障法", "article": "第五十八条", "date": "2018-12-29"}
QUESTION = "老年优待证丢了怎么补领"
NOT_KNOWN = "明年火星上的氧气瓶到哪里领"
ENTRIES: list[dict[str, Any]] = [
    {
        "id": "pages-card",
        "question": QUESTION,
        "asked": ["敬老优待证不见了去哪补"],
        "short": "带身份证到户籍地的老龄办补领，不收费。",
        "answer": "老年优待证遗失的，向户籍地的老龄工作机构申请补领。",
        "steps": ["带上材料到窗口", "填表并领证"],
        "documents": ["本人身份证", "一寸照片两张"],
        "fee": "不收费",
        "time": "当场办结",
        "places": [{"name": "咸安区政务服务中心老龄窗口", "address": "贺胜路1号", "phone": "0715-8311111"}],
        "basis": [LAW],
        "area": "421202",
        "unit": "卫生健康委员会",
        "effective": "2019-01-01",
    },
    {
        "id": "pages-markup",
        "question": "尖括号标签测试条目里写的是什么",
        "answer": "<img src=x onerror=\"document.title='broken'\"><b>粗体</b>",
        "steps": ["<script>document.title='broken'</script>"],
    },
    {
        "id": "pages-bundle",
        "question": "老人优待一件事",
        "answer": "按下面的顺序办。",
        "matters": [
            {"title": "补领优待证", "entry": "pages-card"},
            {"title": "另一件事", "entry": "pages-markup"},
        ],
    },
]


@pytest.fixture(scope="module", autouse=True)
def taken_in(system: System, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The entries of these tests answer in the running system."""
    file: Path = tmp_path_factory.mktemp("entries") / "entries.jsonl"
    file.write_text("\n".join(json.dumps(entry, ensure_ascii=False) for entry in ENTRIES), "utf-8")
    environment = {**os.environ, "HOTLINE_DATA_DIR": str(system.data_dir)}
    command = [sys.executable, "-m", "hotline", "knowledge", "import", str(file)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)

    def answers() -> bool:
        found = system.http.get("/api/knowledge/search", params={"q": ENTRIES[-1]["question"]}).json()
        return any(result["id"] == "pages-bundle" for result in found["results"])

    eventually(answers, 30)


@pytest.fixture
def reader(browser: Browser, system: System) -> Iterator[Page]:
    """The public page on a phone's screen."""
    with opened(browser, f"{system.url}/knowledge", 390, 844) as page:
        yield page


def ask(page: Page, question: str) -> None:
    page.get_by_label("您想问什么").fill(question)
    page.get_by_role("button", name="查找").click()


def test_a_citizen_finds_the_answer_with_its_source_and_says_that_it_helped(reader: Page, system: System) -> None:
    ask(reader, QUESTION)
    card = reader.get_by_role("region", name="最可能的答案").get_by_role("article", name=QUESTION)
    expect(card).to_contain_text(f"以上依据{SOURCE}")
    expect(card.get_by_role("list").first.get_by_role("listitem")).to_have_text(["带上材料到窗口", "填表并领证"])
    for part in ("一寸照片两张", "不收费", "当场办结", "卫生健康委员会", "咸安区", "2019-01-01"):
        expect(card).to_contain_text(part)
    expect(card.get_by_role("link", name="0715-8311111")).to_have_attribute("href", "tel:07158311111")
    assert serious_faults(reader) == []
    assert not reader.evaluate(TOO_WIDE)

    card.get_by_role("button", name="没有", exact=True).click()
    expect(card).to_contain_text("谢谢您告诉我们")
    card.get_by_role("button", name="有", exact=True).click()
    expect(card).to_contain_text("谢谢您的评价")
    with closing(sqlite3.connect(system.data_dir / "hotline.db")) as database:
        votes = database.execute("SELECT helped FROM knowledge_votes WHERE entry_id = 'pages-card'").fetchall()
    assert votes == [(1,)]


def test_what_is_typed_is_searched_for_without_a_button_and_the_way_back_leads_to_it(reader: Page) -> None:
    reader.get_by_label("您想问什么").press_sequentially("优待证丢了")
    card = reader.get_by_role("article", name=QUESTION)
    expect(card).to_be_visible(timeout=SECONDS)
    toggle = card.get_by_role("button", name=QUESTION)
    if toggle.get_attribute("aria-expanded") == "false":
        expect(card).to_contain_text(f"以上依据{SOURCE}")
        toggle.press("Enter")
    expect(toggle).to_have_attribute("aria-expanded", "true")
    card.get_by_role("link", name="只看这一条").click()
    expect(reader).to_have_url(re.compile("id=pages-card$"))
    reader.go_back()
    expect(reader.get_by_label("您想问什么")).to_have_value("优待证丢了")
    expect(reader.get_by_role("article", name=QUESTION)).to_be_visible()


def test_a_question_without_a_sure_answer_is_carried_into_the_chat(reader: Page) -> None:
    ask(reader, NOT_KNOWN)
    unsure = reader.get_by_role("region", name="这个问题，我们没有把握回答")
    expect(unsure.get_by_role("link", name="拨打 12345")).to_have_attribute("href", "tel:12345")
    assert serious_faults(reader) == []
    unsure.get_by_role("link", name="到对话里问").click()
    expect(reader.get_by_label("您要说的话")).to_have_value(NOT_KNOWN)
    reader.get_by_role("link", name="办事问答").click()
    expect(reader.get_by_role("heading", name="大家常问")).to_be_visible()
    reader.get_by_role("button", name="单位拖欠工资怎么办").click()
    expect(reader.locator("[data-entry=employment-wage-arrears]")).to_be_visible()


def test_an_entry_has_its_own_address_and_a_bundle_leads_through_its_matters(browser: Browser, system: System) -> None:
    with opened(browser, f"{system.url}/knowledge?id=pages-bundle", 1366, 768) as page:
        expect(page).to_have_title("老人优待一件事 · 12345 办事问答")
        matters = page.get_by_role("listitem")
        expect(matters).to_have_text(["补领优待证", "另一件事"])
        matters.get_by_role("link", name="补领优待证").click()
        expect(page.get_by_role("article", name=QUESTION)).to_contain_text(f"以上依据{SOURCE}")
        assert serious_faults(page) == []
        page.goto(f"{system.url}/knowledge?id=nothing-here")
        expect(page.get_by_role("alert")).to_contain_text("没有这一条")


def test_an_entry_that_holds_markup_shows_it_as_text(browser: Browser, system: System) -> None:
    with opened(browser, f"{system.url}/knowledge?id=pages-markup", 390, 844) as page:
        card = page.get_by_role("article")
        expect(card).to_contain_text("<b>粗体</b>")
        expect(card).to_contain_text("<script>")
        assert card.locator("img, script, b").count() == 0
        expect(page).to_have_title("尖括号标签测试条目里写的是什么 · 12345 办事问答")


def test_without_a_connection_the_page_says_so_and_asks_again_when_it_is_back(reader: Page) -> None:
    reader.context.set_offline(True)
    ask(reader, QUESTION)
    expect(reader.get_by_role("alert")).to_contain_text("网络不通")
    reader.context.set_offline(False)
    expect(reader.get_by_role("article", name=QUESTION)).to_be_visible(timeout=SECONDS)


@pytest.mark.parametrize(("status", "told"), [(429, "查得太快了"), (500, "系统出了问题")])
def test_somebody_who_asks_too_often_or_meets_a_fault_is_told_so(reader: Page, status: int, told: str) -> None:
    reader.route("**/api/knowledge/search*", lambda route: route.fulfill(status=status), times=1)
    ask(reader, QUESTION)
    expect(reader.get_by_role("alert")).to_contain_text(told)
    reader.get_by_role("button", name="再试一次").click()
    expect(reader.get_by_role("article", name=QUESTION)).to_be_visible()


@pytest.mark.parametrize("size", [(390, 844), (1366, 768)], ids=["phone", "desktop"])
@pytest.mark.parametrize("look", ["", "elder=1", "contrast=1", "lang=en"])
def test_the_page_keeps_nobody_out(browser: Browser, system: System, look: str, size: tuple[int, int]) -> None:
    with opened(browser, f"{system.url}/knowledge?{look}", *size) as page:
        page.get_by_role("button", name="单位拖欠工资怎么办").wait_for()
        assert page.evaluate(TOO_SMALL) == []
        assert serious_faults(page) == []
        page.get_by_role("searchbox").fill(QUESTION)
        page.get_by_role("searchbox").press("Enter")
        expect(page.get_by_role("article", name=QUESTION)).to_be_visible()
        assert page.evaluate(TOO_SMALL) == []
        assert serious_faults(page) == []
        assert not page.evaluate(TOO_WIDE)


@pytest.fixture
def talking(seat: Page, system: System) -> Iterator[Page]:
    """A seat that talks with a citizen who has asked something."""
    citizen = system.citizen()
    citizen.say(QUESTION)
    citizen.say("人工")
    seat.get_by_role("region", name="等待接入").locator("[data-row]").last.press("Enter", timeout=SECONDS)
    expect(seat.get_by_label("回复市民")).to_be_focused(timeout=SECONDS)
    yield seat
    seat.get_by_role("button", name="结束对话").click()
    seat.get_by_role("dialog").get_by_role("button", name="结束对话").click()
    expect(seat.get_by_text("对话记录已保存")).to_be_visible()


def test_a_seat_looks_up_what_the_citizen_asked_and_pastes_it_by_keyboard(talking: Page) -> None:
    reply = talking.get_by_label("回复市民")
    talking.keyboard.type("您好，。")
    talking.keyboard.press("ArrowLeft")
    talking.keyboard.press("Escape")
    talking.keyboard.press("/")
    expect(talking.get_by_label("查知识库")).to_be_focused()
    talking.keyboard.press("Enter")
    result = talking.get_by_role("list", name="查到的条目").get_by_role("listitem").filter(has_text=QUESTION)
    expect(result).to_contain_text(f"依据{SOURCE}")
    assert serious_faults(talking) == []
    talking.keyboard.press("ArrowDown")
    expect(result.get_by_role("button", name="贴简答")).to_be_focused()
    talking.keyboard.press("Enter")
    expect(reply).to_be_focused()
    expect(reply).to_have_value(f"您好，带身份证到户籍地的老龄办补领，不收费。\n以上依据{SOURCE}。")
    expect(talking.get_by_role("log")).not_to_contain_text("到户籍地的老龄办补领")

    reply.fill("")
    talking.get_by_label("粘贴时带上依据和日期").uncheck()
    result.get_by_role("button", name="看全文").click()
    expect(result).to_contain_text("2. 填表并领证")
    result.get_by_role("button", name="贴全文").click()
    expect(reply).to_have_value(
        "老年优待证遗失的，向户籍地的老龄工作机构申请补领。\n办理步骤：\n1. 带上材料到窗口\n2. 填表并领证\n"
        "所需材料：本人身份证；一寸照片两张\n费用：不收费\n时限：当场办结\n"
        "办理地点：\n咸安区政务服务中心老龄窗口，贺胜路1号，0715-8311111"
    )
    reply.fill("")


def test_on_a_telephone_a_seat_finds_the_search_and_comes_back_to_the_reply(talking: Page) -> None:
    talking.set_viewport_size({"width": 390, "height": 844})
    talking.get_by_role("button", name="知识库", exact=True).click()
    talking.get_by_role("button", name=f"回车，用市民的话查： {QUESTION}").click()
    result = talking.get_by_role("list", name="查到的条目").get_by_role("listitem").filter(has_text=QUESTION)
    expect(result).to_be_visible()
    assert serious_faults(talking) == []
    assert not talking.evaluate(TOO_WIDE)
    result.get_by_role("button", name="贴简答").click()
    expect(talking.get_by_label("回复市民")).to_have_value("带身份证到户籍地的老龄办补领，不收费。\n以上依据" + SOURCE)
