"""What applications may ask, read from queries and forms; all that is wrong is told at once, in Chinese."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints, ValidationError
from starlette.datastructures import QueryParams, UploadFile

from channels.open311.texts import allowed, shown, text
from channels.open311.wire import Fault, Refused
from desk.orders.model import Latitude, Longitude, Phone, Short

LONGEST_SPAN = timedelta(days=90)
MOST_LISTED = 1000
MOST_FIELDS = 60
FORM = "application/x-www-form-urlencoded"


def _parts(listed: Any) -> Any:
    return tuple(filter(None, (part.strip() for part in listed.split(",")))) if isinstance(listed, str) else listed


def _zone(written: Any) -> Any:
    # In a query that nobody encoded the + of +08:00 is a space.
    return written.replace(" ", "+") if isinstance(written, str) else written


Listed = BeforeValidator(_parts)
Status = Annotated[str, StringConstraints(pattern="^(open|closed)$")]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_zone),
    Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC)),
]
Name = Annotated[str, StringConstraints(max_length=50)]
Asked = TypeVar("Asked", bound=BaseModel)


class Paged(BaseModel):
    """A span of time and a page of what lies in it."""

    start_date: Moment | None = None
    end_date: Moment | None = None
    page: Annotated[int, Field(ge=1, le=1000)] = 1
    page_size: Annotated[int, Field(ge=1, le=MOST_LISTED)] = MOST_LISTED

    @property
    def offset(self) -> int:
        """How many stand on the pages before."""
        return (self.page - 1) * self.page_size

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """From when to when: 90 days beside the one end that is given, the last 90 days without any. Raises Refused."""
        start, end = self.start_date, self.end_date
        if start is None:
            end = end or now
            return end - LONGEST_SPAN, end
        end = end or min(max(start, now), start + LONGEST_SPAN)
        if not timedelta() <= end - start <= LONGEST_SPAN:
            raise Refused(Fault(400, text("too_long_a_span")))
        return start, end


class ListAsked(Paged):
    """Which requests are to be listed."""

    service_request_id: Annotated[tuple[str, ...], Listed, Field(max_length=MOST_LISTED)] = ()
    service_code: Annotated[tuple[str, ...], Listed] = ()
    status: Annotated[tuple[Status, ...], Listed] = ()
    extensions: bool = False

    @property
    def closed(self) -> bool | None:
        """Whether only closed or only open ones are wanted; None: both."""
        return None if len(set(self.status)) != 1 else self.status[0] == "closed"


class OneAsked(BaseModel):
    """How one request is to be told."""

    extensions: bool = False


class Filed(BaseModel):
    """A request as an application files it. What else the specification names (device_id …) is not kept."""

    service_code: str
    lat: Latitude | None = None
    long: Longitude | None = None
    address_string: Short | None = None
    email: Name | None = None
    account_id: Annotated[str, StringConstraints(max_length=100)] | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    phone: Phone | None = None
    description: Annotated[str, StringConstraints(max_length=4000)] | None = None
    media_url: Annotated[str, StringConstraints(max_length=500, pattern=r"^https?://\S+$")] | None = None


class Form:
    """A form that was sent: its fields by name, the first of each, and the file if there is one."""

    def __init__(self, items: Iterable[tuple[str, str | UploadFile]]) -> None:
        self.fields: dict[str, str] = {}
        self.media: UploadFile | None = None
        for name, value in items:
            if isinstance(value, str):
                self.fields.setdefault(name, value)
            elif value.filename or value.size:
                self.media = value

    @property
    def attributes(self) -> dict[str, str]:
        """What was answered to the service's own questions, by their codes."""
        found: dict[str, str] = {}
        for name, value in self.fields.items():
            if name.startswith("attribute[") and value.strip():
                found[name.removeprefix("attribute[").partition("]")[0]] = value.strip()
        return found


async def read_form(request: Request) -> Form:
    """The form of a request. Raises Refused for what is none, HTTPException for one that is too large."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        form = await request.form(max_files=1, max_fields=MOST_FIELDS)
        return Form(form.multi_items())
    try:
        # Starlette's own reader takes UTF-8 that is not percent-encoded (curl -d) for Latin-1.
        written = (await request.body()).decode() if kind == FORM else ""
        return Form(parse_qsl(written, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise Refused(invalid("body", "…")) from error


def read(model: type[Asked], given: QueryParams | Mapping[str, str]) -> Asked:
    """What is asked, out of a query or a form; an empty value is none. Raises Refused.

    What stands several times in a query is a list, as if it had commas.
    """
    joined = {name: ",".join(given.getlist(name)) for name in given} if isinstance(given, QueryParams) else given
    said = {name: value for name in model.model_fields if (value := joined.get(name, "").strip())}
    return checked(model, said)


def checked(
    model: type[Asked],
    said: Mapping[str, Any],
    names: Mapping[str, str] = MappingProxyType({}),
    hints: Mapping[str, str] = MappingProxyType({}),
) -> Asked:
    """A model of what was said. Raises Refused.

    `names` are what the application calls the model's fields, `hints` what may stand in those that are its services'.
    """

    def fault(field: str, kind: str) -> Fault:
        name = names.get(field, field)
        may_be = hints.get(name) or allowed(name)
        if kind == "missing":
            return Fault(400, text("missing", field=name, allowed=may_be))
        return invalid(name, said.get(field, ""), may_be)

    # PostgreSQL cannot store NUL.
    if faults := [fault(field, "nul") for field, value in said.items() if "\0" in str(value)]:
        raise Refused(*faults)
    try:
        return model.model_validate(said)
    except ValidationError as error:
        found = {str(entry["loc"][0]): entry["type"] for entry in error.errors()}
        raise Refused(*(fault(field, kind) for field, kind in found.items())) from error


def invalid(name: str, value: object, may_be: str | None = None) -> Fault:
    """The fault of a value; `may_be` says what is allowed where `texts.yml` does not."""
    return Fault(400, text("invalid", field=name, value=shown(value), allowed=may_be or allowed(name)))
