"""The seat's page of written conversations: somebody asks for a person, and a person takes over."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import serious_faults
from tests.system import Citizen, System, eventually

pytestmark = pytest.mark.browser

SECONDS = 10_000


def told(system: System, citizen: Citizen) -> list[str]:
    """What the citizen's page is told by seats and the house."""
    feed = system.http.get("/chat/remarks", params={"session_id": citizen.session_id}).json()
    return [each["text"] for each in feed["remarks"]]


def is_told(system: System, citizen: Citizen, part: str) -> None:
    eventually(lambda: any(part in text for text in told(system, citizen)), 10, lambda: str(told(system, citizen)))


def test_a_seat_takes_over_talks_files_the_order_and_hands_back(seat: Page, system: System) -> None:
    citizen = system.citizen()
    citizen.say("咸安区温泉街道长安大道65号的烧烤店每天晚上放音乐到凌晨")
    assert "正在为您转接工作人员" in citizen.say("人工")

    seat.locator("[data-row]").first.wait_for(timeout=SECONDS)
    expect(seat).to_have_title("（1）在线对话 · 连心桥")
    assert serious_faults(seat) == []
    seat.keyboard.press("j")
    seat.keyboard.press("Enter")
    log = seat.get_by_role("log")
    expect(log).to_contain_text("放音乐到凌晨")
    is_told(system, citizen, "工作人员已接入")

    expect(seat.get_by_label("回复市民")).to_be_focused()
    seat.keyboard.type("/问候")
    seat.keyboard.press("Enter")
    seat.keyboard.press("Enter")
    is_told(system, citizen, "我是12345热线工作人员")
    assert citizen.say("电话13871234567") == ""
    expect(log).to_contain_text("电话13871234567", timeout=SECONDS)
    expect(log).to_contain_text("我是12345热线工作人员")

    expect(seat.get_by_label("类别")).to_have_value("09")
    expect(seat.get_by_label("乡镇街道")).to_have_value("421202001")
    seat.get_by_label("联系电话").fill("138")
    seat.get_by_role("button", name="登记并告知市民").click()
    expect(seat.get_by_text("请改正：联系电话")).to_be_visible()
    seat.get_by_label("联系电话").fill("13871234567")
    assert serious_faults(seat) == []
    seat.get_by_role("button", name="登记并告知市民").click()
    expect(seat.get_by_text("工单号和查询码已发给市民")).to_be_visible()
    [order] = citizen.orders()
    assert (order["category"], order["area_code"], order["channel"]) == ("09", "421202001", "web")
    is_told(system, citizen, order["number"])

    seat.get_by_role("button", name="转回机器人").click()
    seat.get_by_role("dialog").get_by_role("button", name="转回机器人").click()
    expect(seat.get_by_text("已转回智能助手。对话记录已保存")).to_be_visible()
    is_told(system, citizen, "工作人员已转回智能助手")
    assert citizen.say("你好") != ""


def test_what_a_seat_says_without_a_connection_is_said_once_when_it_is_back(seat: Page, system: System) -> None:
    citizen = system.citizen()
    citizen.say("人工")
    seat.locator("[data-row]").first.click(timeout=SECONDS)
    seat.get_by_role("button", name="接入").click()
    box = seat.get_by_label("回复市民")
    # The remark comes to the house, and its answer is lost on the way.
    seat.route("**/remarks", lambda route: (route.fetch(), route.abort()), times=1)
    box.fill("请问是哪一户？")
    box.press("Enter")
    expect(seat.get_by_text("没有送到，自动重试中")).to_be_visible()
    expect(seat.get_by_text("没有送到，自动重试中")).to_be_hidden(timeout=SECONDS)
    assert told(system, citizen).count("请问是哪一户？") == 1

    seat.context.set_offline(True)
    expect(seat.get_by_text("连不上服务器，正在重试")).to_be_visible(timeout=SECONDS)
    box.fill("您还在吗？")
    box.press("Enter")
    seat.context.set_offline(False)
    expect(seat.get_by_text("连不上服务器，正在重试")).to_be_hidden(timeout=20_000)
    expect(seat.get_by_role("log")).to_contain_text("您还在吗？", timeout=SECONDS)
    assert told(system, citizen).count("您还在吗？") == 1
    seat.get_by_role("button", name="结束对话").click()
    seat.get_by_role("dialog").get_by_role("button", name="结束对话").click()
    is_told(system, citizen, "本次人工服务已结束")


def test_on_a_telephone_nothing_is_cut_off_and_a_session_that_ended_leads_to_the_sign_in(
    seat: Page, system: System
) -> None:
    seat.set_viewport_size({"width": 360, "height": 640})
    system.citizen().say("人工")
    seat.locator("[data-row]").first.click(timeout=SECONDS)
    seat.get_by_role("button", name="接入").click()
    expect(seat.get_by_label("回复市民")).to_be_visible()
    assert serious_faults(seat) == []
    seat.get_by_role("button", name="工单", exact=True).click()
    expect(seat.get_by_role("button", name="登记并告知市民")).to_be_visible()
    assert not seat.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    token = seat.evaluate("sessionStorage.getItem('lianxinqiao.session')")
    system.http.request("DELETE", "/api/sessions", headers={"Authorization": f"Bearer {token}"})
    expect(seat.get_by_text("登录已失效")).to_be_visible(timeout=SECONDS)
