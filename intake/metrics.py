"""Figures of the intake for Prometheus; no figure carries personal data."""

from prometheus_client import Counter, Histogram

MESSAGES = Counter("hotline_messages_total", "Messages answered", ["channel", "outcome"])
TURN_SECONDS = Histogram(
    "hotline_turn_seconds",
    "Time from a stored message to its answer",
    ["channel"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5),
)
