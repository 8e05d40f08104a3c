"""Published orders and their changes as GeoReport v2 tells them."""

from collections.abc import Sequence
from typing import Any

from channels.open311.services import Services
from channels.open311.wire import moment
from core.city import City
from desk.orders.words import words
from desk.published import orders
from desk.published.changes import Change
from desk.published.orders import PublishedOrder


def request(order: PublishedOrder, services: Services, city: City) -> dict[str, Any]:
    """A request; fields that nothing is published in are empty."""
    return {
        "service_request_id": order.number,
        "status": _status(order.is_closed),
        "status_notes": orders.status(order),
        "service_name": services.name(order.category),
        "service_code": order.category,
        "description": orders.subject(order.category, order.area_code, city),
        "agency_responsible": order.unit,
        "service_notice": None,
        "requested_datetime": moment(order.opened_at),
        "updated_datetime": moment(order.changed_at),
        "expected_datetime": moment(order.due),
        "address": orders.area_name(order.area_code, city),
        "address_id": None,
        "zipcode": None,
        "lat": order.lat,
        "long": order.long,
        "media_url": None,
    }


def extension(order: PublishedOrder, history: Sequence[Change]) -> dict[str, Any]:
    """What `extensions=true` adds: our own state and area, and what was done."""
    return {
        "extended_attributes": {
            "state": order.state.value,
            "state_name": words()["states"][order.state],
            "area_code": order.area_code,
        },
        "notes": [
            {"datetime": moment(change.at), "description": change.words, "type": change.kind} for change in history
        ],
    }


def update(change: Change) -> dict[str, Any]:
    """A change, as mySociety's extension of GeoReport v2 tells it."""
    return {
        "update_id": change.id,
        "service_request_id": change.number,
        "status": _status(change.is_closed),
        "updated_datetime": moment(change.at),
        "description": change.words,
        "media_url": None,
    }


def _status(closed: bool) -> str:
    return "closed" if closed else "open"
