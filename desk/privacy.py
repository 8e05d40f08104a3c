"""Who a citizen is, as lists and logs may show it."""

from core.access import Principal, Role
from desk.model import WorkOrder

KNOWS_CONFIDENTIAL = frozenset({Role.SEAT, Role.DISPATCHER, Role.ADMIN})
"""Who knows the citizen of a confidential order: the hotline itself. A unit reaches them through it."""


def masked_phone(phone: str | None) -> str | None:
    """`+8613871234567` → `+86138****4567`: enough to recognise one's own number, too little to call another's."""
    return None if phone is None else f"{phone[:-8]}****{phone[-4:]}" if len(phone) > 8 else "****"


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
    shown: dict[str, str | None] = {"query_code": "******"}
    if may_know(order, who):
        shown["contact_phone"] = masked_phone(order.contact_phone)
        shown["contact_name"] = masked_name(order.contact_name)
        shown["id_number"] = masked_id_number(order.id_number)
    else:
        # The conversation opens the transcript, and the message was the citizen's.
        for field in (
            "contact_phone",
            "contact_name",
            "id_number",
            "company_name",
            "credit_code",
            "conversation_id",
            "message_id",
        ):
            shown[field] = None
    return order.model_copy(update=shown)
