"""Classifying a stream of messages without a server: JSON lines in, JSON lines out."""

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, TextIO

from rasa.core.agent import Agent
from rasa.utils.log_utils import configure_structlog

from bot.channel import harmless
from bot.quiet import silence_warnings

ENTITY_KEYS = ("entity", "start", "end", "value")

NOTHING: Dict[str, Any] = {"intent": {"name": None}}


class BadLine(ValueError):
    """A line that is no message; the text says which line and what is allowed."""


def read(lines: Iterable[str]) -> Iterator[Dict[str, str]]:
    """The messages in `lines`. Raises BadLine."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            message = json.loads(line)
        except ValueError as error:
            raise BadLine(f"line {number}: not JSON ({error})") from error
        if not isinstance(message, dict) or not isinstance(message.get("text"), str) or "id" not in message:
            raise BadLine(f'line {number}: needs {{"id": …, "text": "…"}}, got {line.strip()[:80]}')
        yield message


def classified(message: Dict[str, str], parsed: Dict[str, Any]) -> Dict[str, Any]:
    """What is printed of a message."""
    ranking = [[category, round(p, 6)] for category, p in parsed["category_ranking"]] if message["text"].strip() else []
    return {
        "id": message["id"],
        "category": ranking[0][0] if ranking else None,
        "ranking": ranking,
        "nature": parsed.get("nature"),
        "intent": parsed["intent"]["name"],
        "danger": round(parsed.get("danger", 0.0), 6),
        "matters": [matter["text"] for matter in parsed.get("matters", ())],
        "entities": [{key: entity[key] for key in ENTITY_KEYS} for entity in parsed.get("entities", ())],
    }


async def run(model: Path, lines: Iterable[str], results: TextIO) -> None:
    """Classify `lines` with `model` and write one JSON line for each to `results`, in order."""
    agent = Agent.load(str(model))
    for message in read(lines):
        parsed = await agent.parse_message(harmless(message["text"])) if message["text"].strip() else NOTHING
        print(json.dumps(classified(message, parsed), ensure_ascii=False), file=results, flush=True)


def main() -> int:
    """Entry of `python -m bot.parse --model FILE`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    arguments = parser.parse_args()
    silence_warnings()
    # Rasa and jieba log to standard output, which belongs to the results.
    results, sys.stdout = sys.stdout, sys.stderr
    configure_structlog(logging.ERROR)
    try:
        asyncio.run(run(arguments.model, sys.stdin, results))
    except BadLine as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
