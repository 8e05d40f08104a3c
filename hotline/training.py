"""Training the bot only when something it learns from has changed."""

import fcntl
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from core.settings import Settings

KEPT_MODELS = 3
TAIL_LINES = 15
_STAGE = re.compile(r"(?:Starting to train|Finished training) component '(\w+)'")


class TrainingFailed(Exception):
    """Rasa could not be trained; the text holds the end of its log."""


def learned_from(settings: Settings) -> list[Path]:
    """Every file a model depends on, in a fixed order."""
    root = settings.project_root
    folders = [root / "bot" / "data", root / "bot" / "components", root / "bot" / "encoder"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    single = [
        root / "config.yml",
        root / "domain.yml",
        root / "bot" / "uv.lock",
        root / "bot" / "actions" / "city.py",
        root / "bot" / "script.py",
        root / "bot" / "importer.py",
    ]
    history = [settings.history_file] if settings.history_file.exists() else []
    return sorted([*files, *single, settings.city_dir / "categories.yml", *history])


def fingerprint(settings: Settings) -> str:
    """The first 12 hex digits of a hash over names and contents of `learned_from`."""
    digest = hashlib.sha256()
    for path in learned_from(settings):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def ensure_model(settings: Settings, console: Console, *, force: bool = False) -> Path:
    """The model of today's configuration and data; trained first when there is none. Raises TrainingFailed."""
    settings.model_dir.mkdir(parents=True, exist_ok=True)
    path = settings.model_dir / f"{fingerprint(settings)}.tar.gz"
    if path.exists() and not force:
        return path
    with _only_one(settings.model_dir):
        if not path.exists() or force:
            _train(settings, path, console)
            _forget_old(settings.model_dir)
    return path


def _train(settings: Settings, path: Path, console: Console) -> None:
    draft = path.with_name(f"draft-{os.getpid()}.tar.gz")
    log = settings.model_dir / "train.log"
    command = [str(settings.bot_python), "-W", "ignore", "-m", "rasa", "train", "--config", "config.yml"]
    history = [str(settings.history_file)] if settings.history_file.exists() else []
    command += ["--domain", "domain.yml", "--data", "bot/data", *history, "--out", str(settings.model_dir)]
    command += ["--fixed-model-name", draft.name.removesuffix(".tar.gz")]
    # Rasa's validation reads everything a second time, and the tests of the inventory check more than it does. Its
    # cache of trained components does not see changes of the modules they import.
    command += ["--skip-validation", "--force"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(settings.project_root),
        "HOTLINE_CITY_DIR": str(settings.city_dir),
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    }
    process = subprocess.Popen(
        command, cwd=settings.project_root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with log.open("w", encoding="utf-8") as file:
        _show_progress(process, file.write, console)
    if process.wait() != 0 or not draft.exists():
        draft.unlink(missing_ok=True)
        tail = "\n".join(log.read_text("utf-8").splitlines()[-TAIL_LINES:])
        raise TrainingFailed(f"Training failed; the whole log is in {log}. It ends with:\n{tail}")
    draft.replace(path)


def _show_progress(process: "subprocess.Popen[str]", write: object, console: Console) -> None:
    assert process.stdout is not None
    assert callable(write)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("training the bot: loading Rasa (about a minute in all)", total=None)
        for line in process.stdout:
            write(line)
            if stage := _STAGE.search(line):
                progress.update(task, description=f"training the bot: {stage.group(1)}")
        elapsed = progress.tasks[0].elapsed or 0.0
    console.print(f"bot trained in {elapsed:.0f} s")


def _forget_old(folder: Path) -> None:
    models = sorted(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in models[KEPT_MODELS:]:
        path.unlink()


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Let one process train at a time; the others wait and then find its model."""
    with (folder / "train.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
