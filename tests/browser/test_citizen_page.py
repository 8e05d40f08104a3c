"""What a citizen does on the page besides talking: follow orders, say where, read large, use another site's window."""

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import opened, serious_faults
from tests.system import FOREIGN_PORT, System, a_dark_street

pytestmark = pytest.mark.browser

SECONDS = 10_000
LARGEST_FIRST_LOAD = 300_000
UNIT = "咸安区住房和城市更新局"
REPLY = "经维修人员到场检查，该处路灯线路老化，11月25日已更换线路，路灯已恢复照明。如再发生请拨打0715-12345。"
PHONE_TAIL = "4567"
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
TOO_SMALL = """[...document.querySelectorAll("button, a, input.field, textarea, label.choice")].filter((each) => {
  const { width, height } = each.getBoundingClientRect();
  return each.checkVisibility() && (width < 44 || height < 44);
}).map((each) => each.outerHTML)"""

Move = Callable[..., None]


@pytest.fixture
def number(system: System) -> str:
    """The number of an order that somebody filed another day."""
    citizen = system.citizen()
    citizen.say(a_dark_street())
    citizen.say("确认提交")
    assert citizen.work_order
    return str(citizen.work_order["number"])


@pytest.fixture
def move(system: System) -> Move:
    """The office and the unit at work."""
    headers = {"Authorization": f"Bearer {(system.data_dir / 'operator.token').read_text()}"}

    def make(number: str, **said: Any) -> None:
        made = system.http.post(f"/api/work-orders/{number}/moves", json=said, headers=headers)
        assert made.status_code == 200, made.text

    return make


def say(page: Page, text: str) -> None:
    box = page.get_by_label("您要说的话")
    box.fill(text)
    box.press("Enter")


def heard(page: Page, text: str) -> None:
    expect(page.get_by_role("log")).to_contain_text(text, timeout=SECONDS)


def find(page: Page, number: str) -> None:
    """Open 我的诉求 and look for an order."""
    page.get_by_role("button", name="我的诉求").click()
    page.get_by_label("工单号（14 位数字）").fill(number)
    page.get_by_label("手机号后四位").fill(PHONE_TAIL)
    page.get_by_role("button", name="查询", exact=True).click()
    expect(page.get_by_role("article", name=number)).to_contain_text("住房和城市更新局")


@pytest.mark.parametrize("size", [(390, 844), (1366, 768)], ids=["phone", "desktop"])
@pytest.mark.parametrize("look", ["", "elder=1", "contrast=1"], ids=["normal", "elder", "contrast"])
def test_the_page_keeps_nobody_out(
    browser: Browser, system: System, number: str, look: str, size: tuple[int, int]
) -> None:
    with opened(browser, f"{system.url}/?{look}&place=香城花园南门", *size) as page:
        say(page, "你好")
        heard(page, "您好")
        assert serious_faults(page) == []
        assert page.evaluate(TOO_SMALL) == []
        for name in ("设置", "位置"):
            page.get_by_role("button", name=name, exact=True).click()
            assert serious_faults(page) == []
            page.keyboard.press("Escape")
        find(page, number)
        assert serious_faults(page) == []
        assert page.evaluate(TOO_SMALL) == []
        assert not page.evaluate(TOO_WIDE)


def test_an_order_is_followed_while_it_is_worked_on_and_rated_when_it_is_answered(
    page: Page, number: str, move: Move
) -> None:
    page.clock.install()
    page.reload()
    find(page, number)
    card = page.get_by_role("article", name=number)
    expect(card).to_contain_text("待派单")
    move(number, move="dispatch", unit=UNIT)
    move(number, move="sign")
    page.clock.fast_forward("00:30")
    expect(card).to_contain_text("办理中")
    expect(card).to_contain_text("按期办理")
    expect(page.get_by_role("region", name="办理经过")).to_contain_text(f"{UNIT}已签收")
    move(number, move="reply", text=REPLY, outcome="solved")
    move(number, move="approve_reply")
    page.clock.fast_forward("00:30")
    expect(card).to_contain_text("更换线路")
    card.get_by_role("button", name="评价").click()
    card.get_by_role("button", name="提交评价").click()
    expect(card.get_by_role("alert")).to_have_text("请回答前两个问题。")
    card.get_by_label("解决了").check()
    card.get_by_role("group", name="对办理结果满意吗？").get_by_label("满意", exact=True).check()
    card.get_by_role("button", name="提交评价").click()
    expect(card).to_contain_text("评价已经收到")
    expect(card).to_contain_text("已办结")


def test_the_orders_of_the_conversation_are_listed_and_hurried_from_there(page: Page, number: str) -> None:
    say(page, a_dark_street())
    page.get_by_role("button", name="确认提交").click()
    page.get_by_role("button", name="看进度").click()
    expect(page.get_by_role("article")).to_have_count(1)
    page.keyboard.press("Escape")
    find(page, number)
    expect(page.get_by_role("article")).to_have_count(2)
    page.get_by_role("article", name=number).get_by_role("button", name="催办").click()
    heard(page, f"已经为工单 {number} 登记催办")


def test_wrong_digits_open_nothing(page: Page, number: str) -> None:
    page.get_by_role("button", name="我的诉求").click()
    page.get_by_label("工单号（14 位数字）").fill(number)
    page.get_by_label("手机号后四位").fill("0000")
    page.get_by_role("button", name="查询", exact=True).click()
    expect(page.get_by_text("没有查到")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(0)


def test_who_scans_the_code_of_a_place_need_not_say_where(page: Page, system: System) -> None:
    page.goto(f"{system.url}/?place=银泉大道9177号&area=421202001")
    expect(page.get_by_text("您在：咸安区温泉街道银泉大道")).to_be_visible()
    say(page, "路灯坏了好几天，晚上看不见路")
    heard(page, "联系电话")
    expect(page.get_by_text("您在：")).to_have_count(0)
    say(page, "13871234567")
    page.get_by_role("button", name="确认提交").click()
    heard(page, "工单已登记")
    [newest, *_] = system.orders()
    assert (newest["area_code"], newest["place"]) == ("421202001", "银泉大道9177号")


def test_a_place_that_is_wrong_is_taken_away_and_stays_away(page: Page, system: System) -> None:
    page.goto(f"{system.url}/?place=南门")
    page.get_by_role("button", name="不在这里").click()
    page.reload()
    expect(page.get_by_label("您要说的话")).to_be_visible()
    expect(page.get_by_text("您在：")).to_have_count(0)


def test_the_browser_tells_where_one_is_after_a_press_and_only_then(page: Page) -> None:
    page.get_by_role("button", name="位置", exact=True).click()
    page.get_by_role("button", name="用手机定位").click()
    expect(page.get_by_text("没有得到定位许可")).to_be_visible()
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": 29.841274, "longitude": 114.3225, "accuracy": 25})
    page.get_by_role("button", name="用手机定位").click()
    expect(page.get_by_text("大约 25 米以内")).to_be_visible()
    page.get_by_label("路名、小区").fill("南门")
    page.get_by_role("button", name="写进输入框").click()
    expect(page.get_by_label("您要说的话")).to_have_value("位置：南门，北纬29.84127°，东经114.32250°（WGS-84）")


def test_a_pin_is_set_on_the_map_by_keyboard(page: Page, system: System) -> None:
    centre = {"latitude": 29.8413, "longitude": 114.3225}
    told = {"tiles": f"{system.url}/tiles/{{z}}/{{x}}/{{y}}.png", "attribution": "天地图", "centre": centre}
    page.route("**/chat/map", lambda route: route.fulfill(json=told))
    page.route("**/tiles/**", lambda route: route.fulfill(body="", content_type="image/png"))
    page.get_by_role("button", name="位置", exact=True).click()
    map_ = page.get_by_role("application", name="图钉")
    expect(page.get_by_text("天地图")).to_be_visible()
    map_.focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("status").filter(has_text="WGS-84")).to_be_visible()
    page.get_by_role("button", name="写进输入框").click()
    said = page.get_by_label("您要说的话").input_value()
    found = re.fullmatch(r"位置：北纬(\d+\.\d{5})°，东经(\d+\.\d{5})°（WGS-84）", said)
    assert found, said
    assert float(found[1]) > 29.8413
    assert abs(float(found[2]) - 114.3225) < 0.001


def test_the_look_and_the_language_are_remembered(page: Page, system: System) -> None:
    page.get_by_role("button", name="大字版").click()
    page.get_by_role("button", name="设置").click()
    page.get_by_label("English").check()
    page.keyboard.press("Escape")
    page.goto(system.url)
    expect(page.get_by_role("button", name="Large text")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="Talk to a person").click()
    heard(page, "联系电话")
    expect(page.get_by_text("请留一个联系电话")).to_have_attribute("lang", "zh-CN")


def test_the_first_load_is_small(page: Page, system: System) -> None:
    page.wait_for_load_state("networkidle")
    loaded: list[str] = page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    files = [url for url in loaded if "/assets/" in url]
    assert any(url.endswith(".js") for url in files)
    sizes = [len(gzip.compress(system.http.get(url).content)) for url in (system.url, *files)]
    assert sum(sizes) < LARGEST_FIRST_LOAD


# ---- in a window of another site -------------------------------------------------------------------------------------

SITE = """<!doctype html><html lang="zh-CN"><title>某区政府</title><style>button {{ display: none }}</style>
<h1>某区政府</h1><script src="{home}/widget.js" async data-place="政务大厅"></script>"""


@contextmanager
def another_site(system: System, port: int) -> Iterator[str]:
    """A site that has the one tag in its page, listening on another port."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(SITE.format(home=system.url).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Site) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def site(system: System) -> Iterator[str]:
    """A site that may show the chat."""
    with another_site(system, FOREIGN_PORT) as address:
        yield address


def test_the_window_in_another_site_is_used_by_keyboard_and_remembers(page: Page, site: str) -> None:
    page.goto(site)
    button = page.get_by_role("button", name="12345 在线办理")
    button.focus()
    page.keyboard.press("Enter")
    chat = page.frame_locator("iframe")
    expect(chat.get_by_text("您在：政务大厅")).to_be_visible()
    assert serious_faults(page) == []
    chat.get_by_label("您要说的话").fill("转人工")
    chat.get_by_label("您要说的话").press("Enter")
    expect(chat.get_by_role("log")).to_contain_text("联系电话", timeout=SECONDS)
    chat.get_by_role("button", name="设置").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="12345")).to_be_visible()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.reload()
    button.click()
    expect(chat.get_by_role("log")).to_contain_text("联系电话", timeout=SECONDS)


def test_a_site_that_is_not_named_cannot_show_the_chat(page: Page, system: System) -> None:
    with another_site(system, 0) as stranger:
        page.goto(stranger)
        with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            page.get_by_role("button", name="12345 在线办理").click()
        expect(page.frame_locator("iframe").get_by_label("您要说的话")).to_have_count(0)


def test_without_text_messages_all_orders_of_a_phone_cannot_be_asked_for_and_the_page_says_so(page: Page) -> None:
    page.get_by_role("button", name="我的诉求").click()
    page.get_by_label("手机号", exact=True).fill("13871234567")
    page.get_by_role("button", name="发送验证码").click()
    expect(page.get_by_role("status").filter(has_text="不能发送短信验证码")).to_be_visible()
    assert serious_faults(page) == []
