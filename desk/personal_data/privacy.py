"""Who a citizen is, as lists and logs may show it."""

import re
from typing import Any

from core.access import Principal, Role
from desk.orders.model import FiledBy, WorkOrder

# An ID number, a mobile number, a fixed line with its area code; people write blanks and dashes in them.
_NUMBERS = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}|0\d{2,3}[- ]?\d{7,8})(?!\d)")

KNOWS_CONFIDENTIAL = frozenset({Role.SEAT, Role.DISPATCHER, Role.ADMIN})
"""Who knows the citizen of a confidential order: the hotline itself. A unit reaches them through it."""


def masked_phone(phone: str | None) -> str | None:
    """`+8613871234567` → `+86138****4567`: enough to recognise one's own number, too little to call another's."""
    return None if phone is None else f"{phone[:-8]}****{phone[-4:]}" if len(phone) > 8 else "****"


def masked_email(address: str | None) -> str | None:
    """`ouyang@example.com` → `o***@example.com`."""
    return None if address is None else f"{address[:1]}***@{address.rpartition('@')[2]}"


def masked_name(name: str | None) -> str | None:
    """`欧阳先生` → `欧**`."""
    return None if name is None else name[:1] + "**"


def masked_id_number(number: str | None) -> str | None:
    """`11010519491231002X` → `**************002X`."""
    return None if number is None else "*" * (len(number) - 4) + number[-4:]


def may_know(order: WorkOrder, who: Principal | None) -> bool:
    """Whether somebody may know who the citizen of an order is; `None` is whoever reads what is not for one person."""
    return not order.confidential or (who is not None and who.role in KNOWS_CONFIDENTIAL)


def masked(order: WorkOrder, who: Principal | None = None) -> WorkOrder:
    """The order without what identifies the citizen; of a confidential one not even a part of it is left."""
    shown: dict[str, Any] = {"query_code": "******"}
    if may_know(order, who):
        shown["contact_phone"] = masked_phone(order.contact_phone)
        shown["contact_email"] = masked_email(order.contact_email)
        shown["contact_name"] = masked_name(order.contact_name)
        shown["id_number"] = masked_id_number(order.id_number)
        shown["filed_by"] = _masked_proxy(order.filed_by)
    else:
        # The conversation opens the transcript, and the message was the citizen's.
        for field in (
            "contact_phone",
            "contact_email",
            "contact_name",
            "id_number",
            "filed_by",
            "company_name",
            "credit_code",
            "conversation_id",
            "message_id",
        ):
            shown[field] = None
    return order.model_copy(update=shown)


def _masked_proxy(filed_by: FiledBy | None) -> FiledBy | None:
    if filed_by is None:
        return None
    return filed_by.model_copy(update={"phone": masked_phone(filed_by.phone), "name": masked_name(filed_by.name)})


def without_person(text: str, order: WorkOrder, hidden: str) -> str:
    """A text about an order with the citizen's name and place, and all phone and ID numbers, replaced by `hidden`."""
    known = [value for value in (order.contact_name, order.place) if value and len(value) > 1]
    for value in sorted(known, key=len, reverse=True):
        text = text.replace(value, hidden)
    return _NUMBERS.sub(hidden, text)
