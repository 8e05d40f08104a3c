"""Personal data as lists and logs may show it."""

import re

from desk.model import FiledBy, WorkOrder

# An ID number, a mobile number, a fixed line with its area code; people write blanks and dashes in them.
_NUMBERS = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}|0\d{2,3}[- ]?\d{7,8})(?!\d)")


def masked_phone(phone: str | None) -> str | None:
    """`+8613871234567` → `+86138****4567`: enough to recognise one's own number, too little to call another's."""
    return None if phone is None else f"{phone[:-8]}****{phone[-4:]}" if len(phone) > 8 else "****"


def masked_name(name: str | None) -> str | None:
    """`欧阳先生` → `欧**`."""
    return None if name is None else name[:1] + "**"


def masked(order: WorkOrder) -> WorkOrder:
    """The order without what identifies the citizen."""
    return order.model_copy(
        update={
            "contact_phone": masked_phone(order.contact_phone),
            "contact_name": masked_name(order.contact_name),
            "query_code": "******",
            "filed_by": _masked_proxy(order.filed_by),
        }
    )


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
