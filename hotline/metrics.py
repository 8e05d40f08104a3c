"""Figures of what waits, for Prometheus. They are read from the database, because the worker is another process."""

from datetime import datetime

from prometheus_client import Gauge

from desk.telling.backlog import Backlog

EVENTS = Gauge("hotline_events_waiting", "Events of orders that nobody has been told of yet")
NOTICES = Gauge("hotline_notices_waiting", "Notices that are not due yet")
DELIVERIES = Gauge("hotline_deliveries", "Webhook calls and text messages that have not arrived", ["state"])
OLDEST = Gauge("hotline_oldest_delivery_seconds", "Age of the oldest waiting delivery; 0 when none waits")


def show(backlog: Backlog, now: datetime) -> None:
    """Set the gauges."""
    EVENTS.set(backlog.events)
    NOTICES.set(backlog.notices)
    DELIVERIES.labels("waiting").set(backlog.deliveries)
    DELIVERIES.labels("failing").set(backlog.failing)
    DELIVERIES.labels("dead").set(backlog.dead)
    OLDEST.set((now - backlog.oldest).total_seconds() if backlog.oldest else 0)
