"""Log lines: a fixed text and fields. Personal data never goes into the text, and fields are named by their sender."""

import logging

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class _Fields(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        fields = {key: value for key, value in vars(record).items() if key not in _PLAIN and key != "color_message"}
        return line if not fields else line + " " + " ".join(f"{key}={value}" for key, value in fields.items())


def configure(level: str) -> None:
    """Log to standard error from `level` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Fields("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
