"""Making a work order of a request that an application files, once."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from channels.open311.asked import Filed, checked, invalid
from channels.open311.services import Attribute, Services
from channels.open311.texts import shown, text
from channels.open311.wire import Fault, Refused
from core.city import City
from core.database import vault_of
from desk.orders import register
from desk.orders.model import Channel, Line, NewWorkOrder, Urgency, WorkOrder
from desk.repeated.repeats import Repeats

REPEATED_WITHIN = timedelta(minutes=10)
"""So soon the same content of the same application is the same request, sent again."""


class Filing:
    """Opens the orders of one city's applications."""

    def __init__(self, services: Services, city: City, repeats: Repeats) -> None:
        self._services = services
        self._city = city
        self._repeats = repeats

    def order(self, filed: Filed, answers: Mapping[str, str], *, danger: bool) -> NewWorkOrder:
        """The order a request becomes; `answers` are those to the service's own questions. Raises Refused.

        What may be danger now waits for a person, as the most urgent there is.
        """
        if filed.service_code not in self._services:
            raise Refused(Fault(404, text("unknown_service", value=shown(filed.service_code))))
        somewhere = filed.lat is not None or filed.address_string is not None
        if not somewhere or (filed.lat is None) != (filed.long is None):
            raise Refused(Fault(400, text("no_place")))
        asked = self._services.attributes(filed.service_code)
        service = self._services.name(filed.service_code)
        answered = self._answered(answers, asked, service)
        contact = [filed.last_name, filed.first_name]
        said: dict[str, Any] = {
            "channel": Channel.OPEN311,
            "line": Line.ENTERPRISE if "company_name" in answered else Line.CITIZEN,
            "text": filed.description or text("no_description", service=service),
            "category": filed.service_code,
            "area_code": self._city.area_in(filed.address_string or ""),
            "place": filed.address_string,
            "lat": filed.lat,
            "long": filed.long,
            "contact_phone": filed.phone,
            "contact_email": filed.email,
            "contact_name": " ".join(filter(None, contact)) or None,
            **answered,
        }
        if danger:
            said |= {"urgency": Urgency.DANGER, "needs_person": True, "reason": text("danger")}
        names = {"contact_name": "first_name", "contact_email": "email", "text": "description"}
        names |= {one.field: one.code for one in asked.values()}
        return checked(NewWorkOrder, said, names, {one.code: one.hint for one in asked.values()})

    def open(
        self, connection: Connection, new: NewWorkOrder, media_url: str | None, key: str | None, now: datetime, who: str
    ) -> WorkOrder:
        """Open the order, once for the application's own `key`, or else for the same content within ten minutes.

        A link to a picture is written to its log; nobody here follows it. Raises Problem 422 for a key that was used
        for something else.
        """
        if key is None:
            content = hashlib.sha256(f"{new.model_dump_json()}{media_url}".encode()).hexdigest()
            # A plain hash would tell the phone number to whoever tries them all.
            used = f"open311:{who}:{vault_of(connection).trace(content)}"
            register.forget_key(connection, used, now - REPEATED_WITHIN)
        else:
            used = f"open311:{who}:key:{key}"
        opened = self._repeats.open(connection, new, used, now, who)
        if opened.created and media_url is not None:
            order_id = register.row_of(connection, opened.order.number)["id"]
            register.add_event(connection, order_id, "media_linked", {"url": media_url}, now, who)
        return opened.order

    def _answered(self, answers: Mapping[str, str], asked: Mapping[str, Attribute], service: str) -> dict[str, str]:
        """The answers by the order's fields. Raises Refused for one nobody asked, or that is not in its list."""
        faults = []
        for code, value in answers.items():
            if code not in asked:
                known = "、".join(asked)
                said = {"service": service, "value": shown(code), "allowed": known}
                faults.append(Fault(400, text("unknown_attribute", **said)))
            elif asked[code].values and value not in asked[code].values:
                faults.append(invalid(code, value, asked[code].hint))
        if faults:
            raise Refused(*faults)
        return {asked[code].field: value for code, value in answers.items()}
