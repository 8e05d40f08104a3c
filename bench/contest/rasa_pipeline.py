"""Parsing with a trained Rasa pipeline: `python -m bench.contest.rasa_pipeline MODEL < messages`; prints as `plain`."""

import asyncio
import json
import logging
import resource
import sys
import time
from typing import Any

from rasa.core.agent import Agent
from rasa.utils.log_utils import configure_structlog

from bot.actions.city import get_city
from bot.quiet import silence_warnings


async def run(model: str, messages: list[dict[str, Any]]) -> None:
    """Print the likeliest category intent of every message."""
    slugs = set(get_city().by_slug)
    agent = Agent.load(model)
    for message in messages:
        began = time.perf_counter()
        parsed = await agent.parse_message(message["text"])
        milliseconds = (time.perf_counter() - began) * 1000
        named = [entry["name"] for entry in parsed["intent_ranking"] if entry["name"] in slugs]
        category = named[0] if named else None
        print(json.dumps({"category": category, "ms": milliseconds}), file=sys.__stdout__, flush=True)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"megabytes": megabytes}), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    silence_warnings()
    sys.stdout = sys.stderr
    configure_structlog(logging.ERROR)
    asyncio.run(run(sys.argv[1], [json.loads(line) for line in sys.stdin]))
