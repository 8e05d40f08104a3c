"""Calls through Twilio's door with the real bot: a strict TwiML caller signs, speaks and presses."""

import re

import pytest

from ivr.record.scenario import Scenario, read_scenarios
from tests.scenarios import CONVERSATIONS, check_end, replay
from tests.system import System, a_dark_street, eventually_async

pytestmark = pytest.mark.service


@pytest.mark.parametrize(
    "scenario", read_scenarios(CONVERSATIONS / "phone_real.yml"), ids=lambda scenario: scenario.name
)
async def test_a_call_to_the_running_system_goes_as_its_scenario_says(scenario: Scenario, system: System) -> None:
    caller = system.caller(scenario.number)
    await replay(scenario, caller)
    check_end(scenario, system.record_of(caller.call_sid))


async def test_a_caller_files_a_noise_complaint_by_speech(system: System) -> None:
    caller = system.caller()
    assert "请直接说" in await caller.start()
    assert "您接着说" in await caller.say("我们小区楼下那个烧烤店天天晚上吵到一两点根本睡不着觉")
    assert "哪里" in await caller.silence()
    assert "具体位置" in await caller.say("咸安区温泉街道")
    read_back = await caller.say("双鹤路阳光小区")
    assert "我复述一遍" in read_back
    assert "139，尾号1234" in read_back
    heard = await caller.say("对")
    number = re.search(r"工单号是\s*([0-9]{14})", heard.replace("-", ""))
    assert number, heard
    await caller.hang_up()

    [order] = system.orders(conversation_id=f"phone:{caller.call_sid}")
    assert (order["category"], order["line"], order["channel"]) == ("09", "citizen", "phone")
    assert order["number"].replace("-", "") == number.group(1)
    assert order["contact_phone"].endswith("1234")


async def test_key_2_files_on_the_enterprise_line(system: System) -> None:
    caller = system.caller(number="anonymous")
    await caller.start()
    assert "政企通专线" in await caller.press("2")
    assert "您接着说" in await caller.say("我们公司的营业执照变更材料交上去一个月了窗口一直说材料不全又不一次说清楚")
    assert "哪里" in await caller.silence()
    assert "具体位置" in await caller.say("咸安区永安街道")
    assert "全称" in await caller.say("政务服务中心二楼")
    assert "信用代码" in await caller.say("咸宁市香城桂花食品有限公司")
    assert "联系电话" in await caller.say("跳过")
    assert "我复述一遍" in await caller.press("13907241234#")
    assert "工单号" in await caller.press("1")
    await caller.hang_up()

    [order] = system.orders(conversation_id=f"phone:{caller.call_sid}")
    assert (order["category"], order["line"]) == ("21", "enterprise")
    assert order["company_name"] == "咸宁市香城桂花食品有限公司"


async def test_a_caller_hears_the_progress_for_keyed_number_and_phone_tail(system: System) -> None:
    citizen = system.citizen()
    citizen.say(a_dark_street())
    citizen.say("确认提交")
    assert citizen.work_order
    caller = system.caller()
    await caller.start()
    assert "按键输入14位工单号" in await caller.say("我要查进度")
    assert "后四位" in await caller.press(citizen.work_order["number"].replace("-", "") + "#")
    assert "待派单" in await caller.press("4567#")


async def test_a_caller_who_hangs_up_half_way_is_not_lost(system: System) -> None:
    caller = system.caller()
    await caller.start()
    await caller.say("楼上装修把我家天花板砸漏水了物业也不管")
    await caller.hang_up()
    conversation = f"phone:{caller.call_sid}"
    await eventually_async(lambda: len(system.orders(conversation_id=conversation)) == 1, 10)
    [order] = system.orders(conversation_id=conversation)
    assert order["state"] == "pending_acceptance"


def test_a_request_that_twilio_did_not_sign_is_refused(system: System) -> None:
    form = {"CallSid": "CA1", "From": "+8613907241234"}
    for headers in ({}, {"X-Twilio-Signature": "bm90IHNpZ25lZA=="}):
        assert system.http.post("/ivr/twilio/incoming", data=form, headers=headers).status_code == 403
