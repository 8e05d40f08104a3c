"""The web chat as a citizen uses it: on a phone, by keyboard, with a bad connection."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.system import System, a_dark_street

pytestmark = pytest.mark.browser


def say(page: Page, text: str) -> None:
    box = page.get_by_label("您要说的话")
    box.fill(text)
    box.press("Enter")


def heard(page: Page, text: str) -> None:
    expect(page.get_by_role("log")).to_contain_text(text, timeout=10_000)


def file_a_noise_complaint(page: Page) -> str:
    """Return the number of the order."""
    say(page, "小区楼下烧烤店每天晚上放音乐到凌晨，老人睡不着")
    heard(page, "事情发生在哪里")
    say(page, "咸安区温泉街道淦河大道88号")
    heard(page, "联系电话")
    say(page, "王女士13871234567")
    page.get_by_role("button", name="确认提交").click()
    heard(page, "工单已登记")
    number = re.search(r"\d{8}-\d{6}", page.get_by_role("log").inner_text())
    assert number
    return number.group()


def test_a_noise_complaint_gets_a_number_and_stands_in_the_back_office(page: Page, system: System) -> None:
    number = file_a_noise_complaint(page)
    [order] = [order for order in system.orders() if order["number"] == number]
    assert (order["category"], order["line"], order["channel"]) == ("09", "citizen", "web")


def test_the_page_works_by_keyboard_alone(page: Page) -> None:
    page.get_by_label("您要说的话").focus()
    page.keyboard.type("转人工")
    page.keyboard.press("Enter")
    heard(page, "联系电话")
    page.keyboard.type("13871234567")
    page.keyboard.press("Enter")
    heard(page, "工单号")


def test_choices_are_buttons_that_the_keyboard_reaches(page: Page) -> None:
    say(page, a_dark_street())
    choice = page.get_by_role("button", name="确认提交")
    expect(choice).to_be_visible()
    choice.focus()
    page.keyboard.press("Enter")
    heard(page, "工单已登记")


def test_the_conversation_survives_a_reload(page: Page) -> None:
    say(page, "楼下烧烤店太吵了，每天到半夜")
    heard(page, "事情发生在哪里")
    page.reload()
    heard(page, "楼下烧烤店太吵了，每天到半夜")
    say(page, "咸安区温泉街道")
    heard(page, "具体位置")


def test_what_is_said_without_a_connection_is_sent_once_when_it_is_back(page: Page, system: System) -> None:
    expect(page.get_by_text("已连接")).to_be_visible()
    page.context.set_offline(True)
    say(page, "浮山街道旗鼓大道的井盖不见了")
    expect(page.get_by_text("网络不通")).to_be_visible(timeout=20_000)
    page.context.set_offline(False)
    heard(page, "联系电话")
    assert page.get_by_role("log").inner_text().count("浮山街道旗鼓大道的井盖不见了") == 1


def test_a_company_switches_to_its_line(page: Page, system: System) -> None:
    page.get_by_text("企业", exact=True).first.click()
    say(page, "我们公司在嘉鱼县鱼岳镇沙阳大道18号，厂里从上周开始天天停电，供电所一直不来修，电话13871234567")
    heard(page, "企业的全称")
    say(page, "嘉鱼新材料科技有限公司")
    heard(page, "信用代码")
    say(page, "跳过")
    page.get_by_role("button", name="确认提交").click()
    heard(page, "工单已登记")
    [newest, *_] = system.orders()
    assert (newest["line"], newest["company_name"]) == ("enterprise", "嘉鱼新材料科技有限公司")


def test_nothing_is_cut_off_on_the_smallest_phone(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 568})
    say(page, a_dark_street())
    expect(page.get_by_role("button", name="确认提交")).to_be_visible()
    wider = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wider


def test_danger_is_answered_with_the_number_to_call(page: Page) -> None:
    say(page, "楼道里冒浓烟着火了，有人困在里面")
    heard(page, "119")
