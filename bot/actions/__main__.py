"""The action server, on the loopback address only."""

import os

from bot.quiet import silence_warnings

silence_warnings()

from rasa_sdk import utils  # noqa: E402
from rasa_sdk.endpoint import create_app  # noqa: E402


def main() -> None:
    """Serve until stopped, on `HOTLINE_ACTION_PORT`."""
    utils.configure_colored_logging(os.environ.get("HOTLINE_LOG_LEVEL", "INFO"))
    app = create_app("bot.actions.actions")
    app.run("127.0.0.1", int(os.environ.get("HOTLINE_ACTION_PORT", "5055")), workers=1, access_log=False)


if __name__ == "__main__":
    main()
