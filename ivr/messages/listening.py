"""The recordings of an order, for the staff. Every function takes the connection of a running transaction."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, select

from core.access import Principal
from core.problems import Problem
from desk.orders.register import by_id, find_for, row_for, view_contact
from ivr.messages.tables import Kind, RecordingState, Why, recordings

HEARD = "recording_heard"


class Recording(BaseModel):
    """A recording as it is listed; `consent_at`: when the caller was told of it."""

    model_config = ConfigDict(from_attributes=True)

    sid: str
    kind: Kind
    state: RecordingState
    why: Why | None
    seconds: int | None
    media_type: str | None
    sha256: str | None
    consent_at: datetime | None
    created_at: datetime
    fetched_at: datetime | None
    transcribed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Playable:
    """A recording that is here."""

    path: str
    key: str
    media_type: str


def recordings_of(connection: Connection, number: str, who: Principal) -> list[Recording]:
    """The recordings of an order, the oldest first. Raises Problem 404, also for an order of others."""
    order_id = row_for(connection, number, who)["id"]
    query = select(recordings).where(recordings.c.work_order_id == order_id).order_by(recordings.c.created_at)
    return [Recording.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def listen(connection: Connection, sid: str, purpose: str, note: str | None, now: datetime, who: Principal) -> Playable:
    """A recording to be heard; the look is written down, as one at the citizen's contact.

    Raises Problem 404, also for one of no order or of an order of others; 403 where the order is confidential; 409
    while it is not here yet; 410 where it will not be.
    """
    row = connection.execute(select(recordings).where(recordings.c.sid == sid)).mappings().first()
    if row is None or row["work_order_id"] is None:
        raise _unknown(sid)
    number = by_id(connection, row["work_order_id"])["number"]
    try:
        find_for(connection, number, who)
    except Problem:
        raise _unknown(sid) from None
    state = RecordingState(row["state"])
    if state is RecordingState.ANNOUNCED:
        raise Problem(409, "Conflict", f"sid: recording {sid!r} has not been fetched yet; try again soon", field="sid")
    if state is not RecordingState.FETCHED:
        raise Problem(410, "Gone", f"sid: recording {sid!r} is {state}", field="sid", state=state, why=row["why"])
    view_contact(connection, number, purpose, note, now, who, HEARD, recording=sid)
    return Playable(row["path"], row["key"], row["media_type"])


def _unknown(sid: str) -> Problem:
    return Problem(404, "Not Found", f"sid: no recording {sid!r}", field="sid")
