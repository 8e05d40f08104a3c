"""`python -m bench [turns|calls|chats …] [classifiers LABELLED.jsonl]`: run the measurements and print their tables.

Without a name all of them but the last; the classifiers need a file of labelled messages.
"""

import asyncio
import sys
from pathlib import Path

from rich.console import Console

from bench import calls, chats, classifiers, knowledge, lists, orders, sweep, turns

MEASUREMENTS = {
    "turns": turns.measure,
    "calls": calls.measure,
    "chats": chats.measure,
    "orders": orders.measure,
    "sweep": sweep.measure,
    "lists": lists.measure,
    "knowledge": knowledge.measure,
}


def main() -> int:
    """Entry; the exit code is 2 for an unknown name."""
    wanted, _, labelled = " ".join(sys.argv[1:]).partition("classifiers")
    names = wanted.split() or ([] if labelled else list(MEASUREMENTS))
    if unknown := [name for name in names if name not in MEASUREMENTS]:
        known = f"{', '.join(MEASUREMENTS)}, classifiers LABELLED.jsonl"
        print(f"bench: {', '.join(unknown)}: unknown; choose from {known}", file=sys.stderr)
        return 2
    console = Console()
    for name in names:
        console.print(asyncio.run(MEASUREMENTS[name](console)))
    if labelled:
        console.print(asyncio.run(classifiers.measure(console, Path(labelled.strip()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
