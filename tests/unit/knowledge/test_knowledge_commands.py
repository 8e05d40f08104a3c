"""Entries in and out by the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from core.settings import get_settings
from hotline import knowledge_commands
from hotline.cli import app

pytestmark = pytest.mark.unit

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_file: Path) -> Run:
    """`hotline knowledge` with these arguments, over a database of its own; no vectors are made."""
    (tmp_path / "hotline.db").write_bytes(sqlite_file.read_bytes())
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(knowledge_commands, "_ready", lambda *_: None)

    def invoke(*arguments: str) -> Result:
        get_settings.cache_clear()
        try:
            return CliRunner().invoke(app, ["knowledge", *arguments])
        finally:
            get_settings.cache_clear()

    return invoke


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A file of two entries."""
    file = tmp_path / "entries.jsonl"
    file.write_text('{"id":"a","question":"问？","answer":"答"}\n{"id":"b","answer":"去窗口"}\n', "utf-8")
    return file


def test_a_preview_tells_what_would_change_and_changes_nothing(run: Run, lines: Path) -> None:
    for _ in range(2):
        told = run("import", str(lines), "--preview")
        assert (told.exit_code, told.stdout) == (0, "new a\nnew b\n")
        assert "2 new or changed, 0 unchanged, 0 refused" in told.stderr


@pytest.mark.parametrize("kind", ["csv", "xlsx", "md", "jsonl"])
def test_what_is_exported_is_imported_again_unchanged(run: Run, lines: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"out.{kind}"
    assert run("import", str(lines)).exit_code == 0
    assert run("export", str(file)).exit_code == 0
    assert "0 new or changed, 2 unchanged, 0 refused" in run("import", str(file)).stderr


def test_a_row_that_is_refused_is_named_and_the_others_are_taken(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("编号,标准问题,答复\na,问,答\nb,,答\n", "utf-8")
    done = run("import", str(file))
    assert done.exit_code == 1
    assert "line 3: 标准问题: 不能为空" in done.stderr
    assert "1 new or changed, 0 unchanged, 1 refused" in done.stderr


def test_a_file_of_no_kind_is_refused(run: Run, tmp_path: Path) -> None:
    assert "csv, xlsx, md, jsonl" in " ".join(run("export", str(tmp_path / "a.doc")).stderr.split())
    broken = tmp_path / "a.xlsx"
    broken.write_bytes(b"PK\x03\x04 and nothing more")
    assert run("import", str(broken)).exit_code == 2
