"""What others say of their own formats: the programs of `tests/node`, run by the Node of the environment."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "node"


def command(program: str, *arguments: str) -> list[str]:
    """The command of a program. AssertionError where set-up did not install what it needs."""
    assert (FOLDER / "node_modules").exists(), "tests/node is not installed: run make setup-dev"
    return [str(Path(sys.executable).parent / "node"), str(FOLDER / program), *arguments]


def jambonz_faults(lines: list[dict[str, Any]]) -> str:
    """What jambonz's own schemas say against verbs and payloads, a line each; empty where they say nothing.

    A line is `{"what": "verbs", "value": [...]}` or has the name of a payload: `gather`, `enqueue-wait` and so on.
    """
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    made = subprocess.run(command("check.mjs"), input=text, capture_output=True, text=True, timeout=60)
    return made.stdout + made.stderr
