"""`python -m bench [turns|orders …]`: run the measurements and print their tables; without a name, all of them."""

import asyncio
import sys

from rich.console import Console

from bench import orders, turns

MEASUREMENTS = {"turns": turns.measure, "orders": orders.measure}


def main() -> int:
    """Entry; the exit code is 2 for an unknown name."""
    wanted = sys.argv[1:] or list(MEASUREMENTS)
    if unknown := [name for name in wanted if name not in MEASUREMENTS]:
        print(f"bench: {', '.join(unknown)}: unknown; choose from {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    console = Console()
    for name in wanted:
        console.print(asyncio.run(MEASUREMENTS[name](console)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
