"""What a citizen sends besides words, and what people of the hotline say to them."""

import re
import sqlite3
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.browser.conftest import serious_faults
from tests.browser.test_citizen_page import REPLY, TOO_SMALL, TOO_WIDE, UNIT, Move, heard, move, say
from tests.system import System, a_dark_street

__all__ = ["move"]

pytestmark = pytest.mark.browser

SECONDS = 15_000
A_ROUND = 30_000
"""Milliseconds within which the worker sends a notice."""
DROP = """(name) => {
  const data = new DataTransfer();
  data.items.add(new File(["no picture"], name, { type: "image/png" }));
  for (const kind of ["dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
  }
}"""


class Seat:
    """Somebody of the hotline whose page of conversations is open."""

    def __init__(self, system: System) -> None:
        self._http = system.http
        self._headers = {"Authorization": f"Bearer {(system.data_dir / 'operator.token').read_text()}"}
        self._chat = 0

    def looks(self) -> list[dict[str, Any]]:
        """What waits or is with a seat."""
        asked = self._http.get("/api/chats", headers=self._headers)
        assert asked.status_code == 200, asked.text
        chats: list[dict[str, Any]] = asked.json()["chats"]
        return chats

    def takes(self) -> None:
        """Take the newest conversation."""
        self._chat = self.looks()[-1]["id"]
        self._does("take")

    def says(self, text: str) -> None:
        self._does("remarks", key=uuid4().hex, text=text)

    def closes(self) -> None:
        self._does("close")

    def _does(self, what: str, **said: str) -> None:
        done = self._http.post(f"/api/chats/{self._chat}/{what}", json=said, headers=self._headers)
        assert done.is_success, done.text


@pytest.fixture
def seat(system: System) -> Iterator[Seat]:
    """A seat that is there; for whoever asks after this test nobody is."""
    there = Seat(system)
    there.looks()
    yield there
    with sqlite3.connect(system.data_dir / "hotline.db") as database:
        database.execute("DELETE FROM chat_seats")


def photo(name: str = "路灯.jpg", size: tuple[int, int] = (1200, 900)) -> FilePayload:
    drawn = BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(drawn, "JPEG")
    return {"name": name, "mimeType": "image/jpeg", "buffer": drawn.getvalue()}


def send(page: Page, *files: FilePayload) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="发照片或视频").click()
    chooser.value.set_files(files)


def files(page: Page) -> str:
    """File an order; return its number."""
    say(page, a_dark_street())
    page.get_by_role("button", name="确认提交").click()
    heard(page, "工单已登记")
    number = re.search(r"\d{8}-\d{6}", page.get_by_role("log").inner_text())
    assert number
    return number.group()


def keeps_nobody_out(page: Page) -> None:
    assert serious_faults(page) == []
    assert page.evaluate(TOO_SMALL) == []
    assert not page.evaluate(TOO_WIDE)


def test_a_citizen_files_with_a_photo_comes_back_talks_to_a_person_gets_the_notice_and_rates(
    page: Page, system: System, seat: Seat, move: Move, tmp_path: Path
) -> None:
    send(page, photo())
    heard(page, "请说一说是什么事")
    number = files(page)

    page.close()
    page = page.context.new_page()
    page.goto(system.url)
    picture = page.get_by_role("button", name="您发的图片")
    picture.click()
    large = page.get_by_role("dialog").get_by_role("img", name="您发的图片")
    expect(large).to_have_js_property("naturalWidth", 1200)
    page.screenshot(path=tmp_path / "picture.png")
    page.keyboard.press("Escape")
    expect(picture).to_be_focused()

    page.get_by_role("button", name="转人工，找工作人员").click()
    expect(page.get_by_role("status").filter(has_text="前面还有")).to_be_visible(timeout=SECONDS)
    keeps_nobody_out(page)
    page.screenshot(path=tmp_path / "waiting.png")
    seat.takes()
    expect(page.get_by_role("status").filter(has_text="正在与工作人员交谈")).to_be_visible(timeout=SECONDS)
    say(page, "什么时候有人来看？")
    seat.says("今天下午三点前到现场。")
    heard(page, "今天下午三点前到现场。")
    expect(page.locator("[data-author=seat]")).to_contain_text("工作人员")
    keeps_nobody_out(page)
    page.screenshot(path=tmp_path / "talking.png")
    seat.closes()
    heard(page, "本次人工服务已结束")
    expect(page.get_by_text("正在与工作人员交谈")).to_have_count(0)
    # A message only a person answers has no bubble of the bot's.
    assert page.locator(".hotline").filter(has_not=page.locator("[data-by], section")).count() == 0

    # Urgent, so that its notices wait for no morning whenever this test runs.
    move(number, move="dispatch", unit=UNIT, urgency="danger")
    move(number, move="sign")
    move(number, move="reply", text=REPLY, outcome="solved", override="测试")
    move(number, move="approve_reply")
    notice = page.get_by_role("region", name="办理通知").filter(has_text="已答复")
    expect(notice).to_be_visible(timeout=A_ROUND)
    keeps_nobody_out(page)
    page.screenshot(path=tmp_path / "notice.png")
    notice.get_by_role("button", name="查看和评价").click()
    card = page.get_by_role("article", name=number)
    card.get_by_label("解决了").check()
    card.get_by_role("group", name="对办理结果满意吗？").get_by_label("满意", exact=True).check()
    page.screenshot(path=tmp_path / "rating.png")
    card.get_by_role("button", name="提交评价").click()
    expect(card).to_contain_text("已办结")
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="办理通知").filter(has_text="已办结")).to_be_visible(timeout=A_ROUND)


def test_who_waits_for_a_person_can_stop_waiting(page: Page, seat: Seat) -> None:
    others = [each["id"] for each in seat.looks()]
    page.get_by_role("button", name="转人工，找工作人员").click()
    page.get_by_role("button", name="不再等待工作人员").click()
    heard(page, "已不再等待工作人员")
    expect(page.get_by_text("正在为您转接，前面还有")).to_have_count(0)
    assert [each["id"] for each in seat.looks()] == others


def test_without_a_socket_the_page_still_hears_a_person(page: Page, seat: Seat) -> None:
    page.route_web_socket("**/chat/ws*", lambda socket: socket.close())
    page.reload()
    page.get_by_role("button", name="转人工，找工作人员").click()
    expect(page.get_by_role("status").filter(has_text="前面还有")).to_be_visible(timeout=SECONDS)
    seat.takes()
    seat.says("您好，请讲。")
    heard(page, "您好，请讲。")
    seat.closes()


def test_a_file_lost_on_its_way_is_sent_again_and_what_cannot_be_sent_says_why(page: Page) -> None:
    tried: list[str] = []

    def lose_the_first(route: Route) -> None:
        tried.append(route.request.url)
        if len(tried) == 1:
            route.abort()
        else:
            route.continue_()

    page.route("**/chat/attachments", lose_the_first)
    large: FilePayload = {"name": "大图.jpg", "mimeType": "image/jpeg", "buffer": bytes(20 * 1024 * 1024 + 1)}
    send(page, photo(), large)
    expect(page.get_by_text("大图.jpg：图片有 20.0 MB，最大 20 MB")).to_be_visible()
    heard(page, "请说一说是什么事")
    expect(page.get_by_role("button", name="您发的图片")).to_have_count(1)
    assert len(tried) == 2
    page.evaluate(DROP, "坏.png")
    heard(page, "file 不是可用的文件")
    page.reload()
    expect(page.get_by_role("button", name="您发的图片")).to_have_count(1)


def test_a_file_that_is_on_its_way_is_cancelled_or_lost_by_a_reload_that_says_so(page: Page) -> None:
    page.route("**/chat/attachments", lambda _: None)
    page.on("dialog", lambda dialog: dialog.accept())
    send(page, photo(), photo("2.jpg"))
    expect(page.get_by_role("progressbar")).to_have_count(2)
    page.get_by_role("button", name="不发了").last.click()
    expect(page.get_by_role("button", name="您发的图片")).to_have_count(1)
    page.reload()
    expect(page.get_by_text("有 1 个文件没有传完")).to_be_visible()
    expect(page.get_by_role("button", name="您发的图片")).to_have_count(0)


def test_a_voice_note_is_spoken_sent_and_heard_again(page: Page) -> None:
    page.get_by_role("button", name="录一段语音").click()
    expect(page.get_by_role("status").filter(has_text="没有得到使用麦克风的许可")).to_be_visible()
    page.context.grant_permissions(["microphone"])
    page.get_by_role("button", name="录一段语音").click()
    page.get_by_role("button", name="取消").click()
    page.get_by_role("button", name="录一段语音").click()
    expect(page.get_by_role("timer")).to_have_text("0:02")
    keeps_nobody_out(page)
    page.get_by_role("button", name="停止录音并发送").click()
    heard(page, "请说一说是什么事")
    expect(page.locator("audio")).to_have_count(1)
    page.reload()
    page.get_by_role("button", name="播放").click()
    expect(page.locator("audio")).to_have_js_property("readyState", 4, timeout=SECONDS)
