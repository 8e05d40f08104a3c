"""The simulated telephone as a supervisor uses it: a call of a company from the first key to the order's number."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import opened, serious_faults
from tests.system import System

pytestmark = pytest.mark.browser

SECONDS = 10_000


@pytest.fixture
def desk(browser: Browser, system: System) -> Iterator[Page]:
    """The page on a screen of 1366×768, signed in."""
    with opened(browser, f"{system.url}/console/simulator", 1366, 768) as page:
        page.get_by_text("用令牌登录").click()
        page.get_by_label("令牌").fill((system.data_dir / "operator.token").read_text())
        page.get_by_role("button", name="使用令牌").click()
        expect(page.get_by_role("button", name="拨打 12345")).to_be_visible()
        page.get_by_label("到时自动算没出声").uncheck()
        yield page


def says(page: Page, words: str) -> None:
    expect(page.get_by_role("button", name="说", exact=True)).to_be_enabled(timeout=SECONDS)
    page.get_by_label("说的话").fill(words)
    page.keyboard.press("Enter")


def presses(page: Page, key: str) -> None:
    expect(page.get_by_role("status").first).to_contain_text("在听您说", timeout=SECONDS)
    page.get_by_role("group", name="拨号键盘").get_by_role("button", name=key, exact=True).click()


def hears(page: Page, sentence: str) -> None:
    expect(page.get_by_role("log")).to_contain_text(sentence, timeout=SECONDS)


def test_a_call_of_a_company_ends_with_the_orders_number(desk: Page, system: System, tmp_path: Path) -> None:
    desk.get_by_role("button", name="拨打 12345").click()
    hears(desk, "请直接说")
    presses(desk, "2")
    hears(desk, "政企通专线")
    says(desk, "营业执照一个月办不下来")
    hears(desk, "事情发生在哪里")
    says(desk, "咸安区永安街道政务服务中心")
    hears(desk, "全称")
    says(desk, "咸宁市香城桂花食品有限公司")
    hears(desk, "信用代码")
    says(desk, "跳过")
    hears(desk, "我复述一遍")
    presses(desk, "1")
    hears(desk, "工单号是")
    expect(desk.get_by_role("status").first).to_contain_text("在听您说", timeout=SECONDS)
    desk.get_by_role("button", name="不出声").click()
    hears(desk, "感谢来电，再见")
    expect(desk.get_by_role("status").first).to_contain_text("已挂机", timeout=SECONDS)
    desk.screenshot(path=tmp_path / "simulator.png", full_page=True)

    assert serious_faults(desk) == []
    number = desk.locator("[data-fact=order]").inner_text()
    [order] = [order for order in system.orders() if order["number"] == number]
    assert (order["line"], order["source"]) == ("enterprise", "simulator")


def test_the_page_before_and_after_signing_in_keeps_nobody_out(desk: Page) -> None:
    assert serious_faults(desk) == []
    desk.get_by_role("button", name="退出").click()
    expect(desk.get_by_role("heading", name="登录")).to_be_visible()
    assert serious_faults(desk) == []
