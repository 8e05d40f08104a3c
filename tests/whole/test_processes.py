"""What happens when processes die: nothing is lost, nothing doubled, and the citizen is told the truth."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import psutil
import pytest

from tests.system import ROOT, Citizen, System, a_dark_street, eventually, free_ports, running

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose processes may be killed."""
    with running(tmp_path_factory.mktemp("fragile"), HOTLINE_TRIAGE_AFTER_SECONDS="6") as started:
        yield started.wait_until_ready()


@pytest.fixture
def citizen(fragile: System) -> Citizen:
    """Somebody whose order lacks only the confirmation."""
    fragile.wait_until_ready()
    citizen = fragile.citizen()
    assert "核对" in citizen.say(a_dark_street())
    return citizen


def test_without_rasa_the_words_are_kept_and_later_completed_in_the_same_order(fragile: System) -> None:
    fragile.wait_until_ready()
    citizen = fragile.citizen()
    citizen.say("咸安区温泉街道的幼儿园门口车子乱停")
    fragile.kill("rasa")
    answer = citizen.send("就在实验幼儿园门口", uuid4().hex)
    assert answer["degraded"]
    assert "已经记下" in answer["replies"][0]["text"]
    [kept] = citizen.orders()
    assert kept["state"] == "pending_acceptance"
    assert "幼儿园门口车子乱停" in kept["text"]
    assert "实验幼儿园门口" in kept["text"]

    fragile.wait_until_ready()
    assert citizen.say("你好")
    assert len(citizen.orders()) == 1


def test_without_the_action_server_the_confirmed_order_is_kept_once(fragile: System, citizen: Citizen) -> None:
    fragile.kill("actions")
    message_id = uuid4().hex
    first = citizen.send("确认提交", message_id)
    fragile.wait_until_ready()
    assert citizen.send("确认提交", message_id) == first
    [order] = citizen.orders()
    assert "路灯" in order["text"]
    assert order["number"] in first["replies"][0]["text"]


def test_when_the_web_process_dies_while_a_message_is_under_way_one_order_comes_of_it(
    fragile: System, citizen: Citizen
) -> None:
    message_id = uuid4().hex
    web = fragile.pid("web")
    with socket.create_connection(("127.0.0.1", httpx2.URL(fragile.url).port or 0)) as half_sent:
        message = {"session_id": citizen.session_id, "message_id": message_id, "text": "确认提交", "line": "citizen"}
        body = json.dumps(message).encode()
        head = ["POST /chat/messages HTTP/1.1", "Host: x", "Content-Type: application/json"]
        half_sent.sendall("\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body)
        eventually(lambda: bool(citizen_seen(fragile, message_id)), 5)
        os.kill(web, signal.SIGKILL)
    fragile.wait_until_ready()
    answer = citizen.send("确认提交", message_id)
    assert answer["work_order"]
    eventually(lambda: len(citizen.orders()) == 1, 10)
    assert citizen.orders()[0]["number"] == answer["work_order"]["number"]


def citizen_seen(system: System, message_id: str) -> bool:
    """Whether the message stands in the inbox."""
    import pysqlite3.dbapi2 as sqlite3

    with sqlite3.connect(f"file:{system.data_dir / 'hotline.db'}?mode=ro", uri=True) as database:
        found = database.execute("SELECT 1 FROM inbox WHERE message_id = ?", (message_id,)).fetchone()
    return found is not None


def test_a_dead_worker_is_shown_and_comes_back(fragile: System) -> None:
    fragile.wait_until_ready()
    before = fragile.parts()["worker"]["restarts"]
    fragile.kill("worker")
    eventually(lambda: fragile.parts()["worker"]["restarts"] == before + 1, 10)
    eventually(lambda: fragile.parts()["worker"]["state"] == "running", 20)


def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    with running(tmp_path) as started:
        started.wait_until_ready()
        family = started.family()
        assert len(family) >= 5
        started.process.send_signal(signal.SIGINT)
        assert started.process.wait(30) == 0
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


def test_a_killed_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    with running(tmp_path) as started:
        started.wait_until_ready()
        family = started.family()
        started.process.kill()
        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    [port] = free_ports(1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        environment = {
            **os.environ,
            "HOTLINE_DATA_DIR": str(tmp_path),
            "HOTLINE_PORT": str(port),
            "HOTLINE_MODEL_DIR": str(ROOT / "var" / "models"),
        }
        ended = subprocess.run(
            [sys.executable, "-m", "hotline", "up"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.returncode == 1
    said = " ".join(ended.stderr.split())
    assert f"Port {port} on 127.0.0.1 cannot be used" in said
    assert "set HOTLINE_PORT to another port" in said
    assert "Traceback" not in said
