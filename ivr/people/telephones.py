"""A telephone that can be rung: a number in E.164, or a SIP address of the office's own exchange."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from desk.orders.model import e164
from desk.personal_data.privacy import masked_phone

_SIP = re.compile(r"sips?:[\w.+-]{1,64}@[\w.-]{1,200}(:\d{1,5})?")


def _rung(written: str) -> str:
    if _SIP.fullmatch(written):
        return written
    if (number := e164(written)) is None:
        raise ValueError(f"{written!r} is no telephone; write +8607158888000 or sip:801@pbx.example.gov.cn")
    return number


Telephone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), AfterValidator(_rung)]


def masked_telephone(telephone: str) -> str:
    """`+86138****4567`; of a SIP address its exchange alone: `sip:****@pbx.example.gov.cn`."""
    scheme, _, rest = telephone.partition(":")
    return f"{scheme}:****@{rest.partition('@')[2]}" if rest else str(masked_phone(telephone))
