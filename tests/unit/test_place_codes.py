"""QR codes of places: what they open, how many are made at once, and what is refused."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from core.settings import get_settings
from hotline.cli import app

pytestmark = pytest.mark.unit

OURS = "https://12345.example.gov.cn"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Run":
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOTLINE_PUBLIC_URL", OURS)
    return Run()


class Run:
    """`hotline qr` with these options, in an empty folder."""

    def __call__(self, *options: str) -> Result:
        get_settings.cache_clear()
        try:
            return CliRunner().invoke(app, ["qr", *options])
        finally:
            get_settings.cache_clear()


def told(result: Result) -> str:
    return " ".join(result.output.split())


def test_a_code_opens_the_chat_with_the_place_filled_in(run: Run, tmp_path: Path) -> None:
    done = run("--place", "香城花园小区 南门&3栋", "--area", "421202001", "--out", "a/gate.svg")
    assert done.exit_code == 0, done.output
    url = urlsplit(done.output.strip())
    assert (f"{url.scheme}://{url.netloc}", url.path) == (OURS, "/")
    assert parse_qs(url.query) == {"place": ["香城花园小区 南门&3栋"], "area": ["421202001"]}
    drawn = (tmp_path / "a" / "gate.svg").read_text("utf-8")
    assert "<title>香城花园小区 南门&amp;3栋</title>" in drawn


def test_a_table_of_places_becomes_a_folder_of_codes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text("place,area,file\n淦河大道公交站,421202,stop.png\n潜山公园,,\n", "gb18030")
    done = run("--file", "places.csv", "--out-dir", "codes")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "codes").iterdir()) == ["00003-潜山公园.svg", "stop.png"]
    assert (tmp_path / "codes" / "stop.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--place", "温" * 61], "1 to 60 characters"),
        (["--place", "南门\n北门"], "on one line"),
        (["--place", "南门", "--area", "999999"], "area: '999999' is no code"),
        (["--place", "南门", "--out", "gate.gif"], "gate.gif has to end in .svg or .png"),
        (["--file", "bad.csv"], "line 3: place: ''"),
        (["--file", "twice.csv"], "a.svg is there twice"),
        (["--file", "out.csv"], "has to be a name without folders"),
        ([], "give either --place or --file"),
    ],
)
def test_what_cannot_be_a_code_is_named(run: Run, tmp_path: Path, options: list[str], says: str) -> None:
    (tmp_path / "bad.csv").write_text("place,area\n南门,\n,421202\n", "utf-8")
    (tmp_path / "twice.csv").write_text("place,file\n南门,a.svg\n北门,a.svg\n", "utf-8")
    (tmp_path / "out.csv").write_text("place,file\n南门,../a.svg\n", "utf-8")
    done = run(*options)
    assert done.exit_code == 2
    assert says in told(done)
    assert not list(tmp_path.rglob("*.svg"))


def test_without_our_address_there_is_no_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOTLINE_PUBLIC_URL")
    done = run("--place", "南门")
    assert (done.exit_code, "HOTLINE_PUBLIC_URL: not set" in told(done)) == (2, True)
