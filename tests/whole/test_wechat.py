"""A citizen's whole way through WeChat."""

import pytest

from core.clock import utc_now
from tests.system import System, a_dark_street, eventually
from tests.wechat import Follower, WeChatServers

pytestmark = pytest.mark.service


def test_a_citizen_files_an_order_in_wechat_and_is_told_there(system: System, weixin: WeChatServers) -> None:
    def post(query: dict[str, str], body: bytes) -> tuple[int, str]:
        response = system.http.post("/wechat", params=query, content=body)
        return response.status_code, response.text

    citizen = Follower(weixin.account, post, utc_now, servers=weixin)
    assert "您好" in (citizen.does("subscribe", EventKey="") or "")
    read_back = citizen.say(a_dark_street()) or ""
    assert "市政设施" in read_back
    assert "1 确认提交" in read_back
    filed = citizen.say("1") or ""
    [order] = system.orders(conversation_id=f"wechat:{citizen.openid}")
    assert (order["number"] in filed, order["channel"]) == (True, "wechat")
    handle(system, order["number"])
    notice = f"您的诉求（工单{order['number']}）已答复"
    eventually(lambda: any(notice in text for text in weixin.texts(citizen.openid)), 30, system.log)
    assert sum(notice in text for text in weixin.texts(citizen.openid)) == 1


def handle(system: System, number: str) -> None:
    """The staff answers an order. It is urgent, so that its notices wait for no morning whenever this test runs."""
    answer = "已于当天派电工更换损坏的灯头和线路，现在路灯全部恢复照明，如有问题请联系0715-12345。"
    headers = {"Authorization": f"Bearer {(system.data_dir / 'operator.token').read_text()}"}
    for move in (
        {"move": "dispatch", "unit": "咸安区生态环境局", "urgency": "danger"},
        {"move": "sign"},
        {"move": "reply", "text": answer, "outcome": "solved", "override": "测试"},
        {"move": "approve_reply"},
    ):
        made = system.http.post(f"/api/work-orders/{number}/moves", json=move, headers=headers)
        assert made.status_code == 200, made.text


def test_a_question_is_answered_in_wechat_with_its_source(system: System, weixin: WeChatServers) -> None:
    def post(query: dict[str, str], body: bytes) -> tuple[int, str]:
        response = system.http.post("/wechat", params=query, content=body)
        return response.status_code, response.text

    citizen = Follower(weixin.account, post, utc_now, "oLVPpjqs9BhvzwPj5A-aQuestion00", servers=weixin)
    citizen.does("subscribe", EventKey="")
    answered = citizen.say("老板几个月没发钱了找谁管") or ""
    assert "劳动保障监察" in answered
    assert "依据：《" in answered
    assert "1 解决了" in answered
    assert "需要的材料" in (citizen.say("3") or "")
    assert "能帮到您就好" in (citizen.say("1") or "")
    assert system.orders(conversation_id=f"wechat:{citizen.openid}") == []
