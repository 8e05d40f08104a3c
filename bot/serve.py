"""Rasa's server, on the loopback address only."""

import argparse
import os
import sys


def main() -> None:
    """Serve a model until stopped: `python -m bot.serve --model FILE --port N`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--port", type=int, default=5005)
    arguments = parser.parse_args()
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
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
