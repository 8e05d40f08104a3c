"""Rasa's server, on the loopback address only."""

import argparse
import sys

from bot.quiet import silence_warnings


def main() -> None:
    """Serve a model until stopped: `python -m bot.serve --model FILE --port N`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--port", type=int, default=5005)
    arguments = parser.parse_args()
    silence_warnings()
    sys.argv = [
        "rasa",
        "run",
        "--interface=127.0.0.1",
        f"--port={arguments.port}",
        f"--model={arguments.model}",
        "--endpoints=endpoints.yml",
        "--credentials=credentials.yml",
    ]
    from rasa.__main__ import main as rasa

    rasa()


if __name__ == "__main__":
    main()
