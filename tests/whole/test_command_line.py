"""What an operator does by hand."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.sheets import read_sheet
from tests.system import ROOT

pytestmark = pytest.mark.service


def hotline(*arguments: str, given: str = "", **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "HOTLINE_MODEL_DIR": str(ROOT / "var" / "models"), **settings}
    command = [sys.executable, "-m", "hotline", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, input=given, capture_output=True, text=True, timeout=300)


def test_parse_gives_every_line_its_category_ranking_and_nature(tmp_path: Path) -> None:
    lines = [
        {"id": "a", "text": "小区楼下烧烤店每天营业到凌晨，油烟和音乐吵得睡不着"},
        {"id": "b", "text": "请问灵活就业人员养老保险断缴了怎么补缴？"},
        {"id": "c", "text": "  "},
    ]
    done = hotline("parse", given="".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    assert done.returncode == 0, done.stderr
    noise, pension, nothing = map(json.loads, done.stdout.splitlines())
    assert (noise["id"], noise["category"], noise["nature"]) == ("a", "09", "投诉")
    assert (pension["id"], pension["category"], pension["nature"]) == ("b", "12", "咨询")
    assert (nothing["id"], nothing["ranking"]) == ("c", [])
    assert sorted(category for category, _ in noise["ranking"]) == [f"{n:02}" for n in range(1, 23)]
    assert sum(p for _, p in noise["ranking"]) == pytest.approx(1, abs=1e-3)


def test_parse_names_the_line_it_cannot_read() -> None:
    done = hotline("parse", given='{"id":"a","text":"路灯不亮"}\nnot json\n')
    assert done.returncode == 2
    assert "line 2: not JSON" in done.stderr


def test_an_unchanged_start_never_trains() -> None:
    before = {path.name: path.stat().st_mtime for path in (ROOT / "var" / "models").glob("*.tar.gz")}
    done = hotline("train")
    assert done.returncode == 0, done.stderr
    after = {path.name: path.stat().st_mtime for path in (ROOT / "var" / "models").glob("*.tar.gz")}
    assert after == before


def test_a_bad_setting_is_named_with_its_value(tmp_path: Path) -> None:
    done = hotline("db", "upgrade", HOTLINE_PORT="eighty", HOTLINE_DATABASE_URL="mysql://x")
    assert done.returncode == 2
    assert "HOTLINE_PORT" in done.stderr
    assert "'eighty'" in done.stderr
    assert "HOTLINE_DATABASE_URL" in done.stderr
    assert "mysql" in done.stderr


def test_seeding_twice_adds_nothing(tmp_path: Path) -> None:
    first, again = (hotline("seed", "--orders", "30", HOTLINE_DATA_DIR=str(tmp_path)).stderr for _ in range(2))
    assert "30 orders opened" in first
    assert "their password: " in first
    assert "0 orders opened, 30 were there before" in again
    assert "0 users let in\n" in again


def test_a_platforms_file_goes_in_and_its_answers_and_lists_come_out(tmp_path: Path) -> None:
    given = tmp_path / "orders.csv"
    given.write_text("工单编号,诉求内容,诉求类别\nP-1,路灯不亮,市政设施\nP-2,,01\n", "utf-8")

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return hotline(*arguments, HOTLINE_DATA_DIR=str(tmp_path))

    taken, again = run("import", str(given), "--source", "province"), run("import", str(given), "--source", "province")
    assert (taken.returncode, "2 rows: 1 new" in taken.stderr, "line 3, 诉求内容" in taken.stderr) == (1, True, True)
    assert "1 known already" in again.stderr
    whole = run("import", str(given), "--source", "province", "--all-or-nothing")
    assert "nothing was written" in whole.stderr
    listed, answers = tmp_path / "list.xlsx", tmp_path / "answers.csv"
    assert "1 orders in" in run("export", str(listed), "--source", "province").stderr
    assert "来源编号" in read_sheet(listed.read_bytes())[0].cells
    assert "0 answers in" in run("export-answers", str(answers), "--source", "province", "--settle").stderr
    assert answers.read_text("utf-8-sig").startswith("答复序号,来源编号")
    for arguments in (("import", str(given), "--source", "mars"), ("export", str(tmp_path / "x.doc"))):
        refused = run(*arguments)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1), refused.stderr


PLACES = ("东街", "西街", "南街", "北街", "河边", "桥头", "村口", "校门口")


def write_csv(path: Path, rows: list[tuple[str, str]], encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows([("text", "category"), *rows])
    return path


def test_an_operators_own_history_is_cross_validated_whatever_its_labels(tmp_path: Path) -> None:
    lamps = [
        (f"{place}的路灯坏了，晚上看不见路", "路灯")
        for place in ["东街", "西街", "南街", "北街", "河边", "桥头", "村口", "校门口"]
    ]
    wages = [
        (f"{who}拖欠工资不发，请帮忙追讨", "欠薪")
        for who in ["工地", "饭店", "老板", "工厂", "公司", "包工头", "物业", "超市"]
    ]
    done = hotline("evaluate", "--cross-validate", str(write_csv(tmp_path / "orders.csv", lamps + wages, "gb18030")))
    assert done.returncode == 0, done.stderr
    assert "16 past orders, 2 labels" in done.stdout
    assert "accuracy 1.000" in done.stdout


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "no rows below the header"),
        ([("路灯不亮", "")], "line 2: category is empty"),
        ([("路灯不亮", "路灯")] * 9 + [("欠薪", "工资")], "category 工资: 1 orders"),
    ],
)
def test_a_history_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, rows: list[tuple[str, str]], told: str
) -> None:
    done = hotline("evaluate", "--cross-validate", str(write_csv(tmp_path / "orders.csv", rows)))
    assert done.returncode == 2
    assert told in done.stderr


def test_somebody_of_the_staff_is_let_in_by_the_command_line(tmp_path: Path) -> None:
    def add(login: str, password: str) -> "subprocess.CompletedProcess[str]":
        arguments = ["user", "add", login, "--name", "王", "--role", "handler", "--unit", "咸安区公安局"]
        return hotline(*arguments, given=f"{password}\n" * 2, HOTLINE_DATA_DIR=str(tmp_path))

    added, again, short = add("wang", "correct horse"), add("wang", "correct horse"), add("li", "short")
    assert added.returncode == 0, added.stderr
    assert "wang: handler of 咸安区公安局" in added.stderr
    assert (again.returncode, "'wang' is taken" in again.stderr) == (2, True)
    assert (short.returncode, "password" in short.stderr) == (2, True)
