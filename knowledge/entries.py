"""The life of an entry: drafted, looked at by somebody else, live, replaced, taken down; every version is kept.

Every function takes the connection of a running transaction. While a new version is being written and looked at, the
live one goes on answering.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from core.problems import Problem
from core.wording import Wording
from knowledge.batches import batches
from knowledge.content import Content, Entry
from knowledge.tables import VersionState, changes, entries, versions

say = Wording(__file__, "texts.yml")

OPEN = (VersionState.DRAFT, VersionState.IN_REVIEW, VersionState.RETURNED)
"""States of a version that somebody is at work on; only the newest of an entry is in one of them."""
# In a function, so that SQLite begins with the entry's versions and not with all that are in the state.
_STATE = func.coalesce(versions.c.state, "")
_OVER = (VersionState.DROPPED, VersionState.PAST)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an entry, with who made and who decided it."""

    entry_id: str
    version: int
    state: VersionState
    content: Content
    author: str
    made_at: datetime
    note: str
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it, and when. `alone`: may approve what they wrote themselves (an administrator, an import)."""

    name: str
    at: datetime
    alone: bool = False


def digest(content: Content) -> str:
    """The same for the same content."""
    told = json.dumps(content.to_json(), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def history(connection: Connection, entry_id: str) -> list[Version]:
    """All versions of an entry, the newest first. Raises Problem 404 for an unknown one."""
    wanted = select(versions).where(versions.c.entry_id == entry_id).order_by(versions.c.version.desc())
    if not (found := [_version(row) for row in connection.execute(wanted)]):
        raise _unknown(entry_id)
    return found


def version_of(connection: Connection, entry_id: str, version: int) -> Version:
    """One version. Raises Problem 404."""
    wanted = select(versions).where(versions.c.entry_id == entry_id, versions.c.version == version)
    if (row := connection.execute(wanted).first()) is None:
        raise Problem(404, "Not Found", say("unknown_version", id=entry_id, version=version))
    return _version(row)


def live_version(connection: Connection, entry_id: str) -> Version:
    """The version that answers. Raises Problem 404 where none does."""
    row = connection.execute(select(entries.c.live_version).where(entries.c.id == entry_id)).first()
    if row is None:
        raise _unknown(entry_id)
    if row.live_version is None:
        raise Problem(404, "Not Found", say("not_live", id=entry_id))
    return version_of(connection, entry_id, row.live_version)


def live_entries(connection: Connection, ids: Sequence[str] | None = None) -> list[Entry]:
    """All live versions, or those of some entries, in the order of their ids."""
    joined = (versions.c.entry_id == entries.c.id) & (versions.c.version == entries.c.live_version)
    wanted = select(versions.c.entry_id, versions.c.version, versions.c.content).join(entries, joined)
    wanted = wanted.order_by(entries.c.id)
    if ids is not None:
        wanted = wanted.where(entries.c.id.in_(ids))
    return [Entry(row.entry_id, row.version, Content.model_validate(row.content)) for row in connection.execute(wanted)]


def changed_since(connection: Connection, change: int) -> dict[str, Entry | None]:
    """Every entry whose answer has changed after the change of that number; None for one that tells nothing now."""
    ids = list(connection.execute(select(entries.c.id).where(entries.c.change > change)).scalars())
    live = {entry.id: entry for batch in batches(ids) for entry in live_entries(connection, batch)}
    return {entry_id: live.get(entry_id) for entry_id in ids}


def latest_change(connection: Connection) -> int:
    """Number of the last change to what answers; 0 where there never was one."""
    return int(connection.execute(select(func.max(entries.c.change))).scalar() or 0)


def draft(
    connection: Connection,
    entry_id: str,
    content: Content,
    by: Actor,
    *,
    note: str = "",
    based_on: int | None = None,
    from_order: str | None = None,
) -> Version:
    """Keep a new version as a draft; an older draft is given up. Makes the entry when there is none.

    `based_on`: the version it was written over, 0 for an entry that is to be new. `from_order`: the order a new entry
    is made from. Raises Problem 409 when there is a newer version by now, or when nothing is different.
    """
    newest = connection.execute(select(entries.c.newest_version).where(entries.c.id == entry_id)).scalar()
    if newest is not None:
        if based_on is not None and based_on != newest:
            raise Problem(409, "Conflict", say("newer", id=entry_id, newest=newest, version=based_on))
        last = version_of(connection, entry_id, newest)
        if last.state not in _OVER and digest(last.content) == digest(content):
            raise Problem(409, "Conflict", say("unchanged", id=entry_id))
    elif based_on:
        raise _unknown(entry_id)
    made = _add(connection, entry_id, content, by, VersionState.DRAFT, note, from_order)
    _log(connection, made, by, "drafted", note)
    return made


def submit(connection: Connection, entry_id: str, version: int, by: Actor) -> Version:
    """Hand a draft, or one that was returned, to somebody who looks at it. Raises Problem 409 in another state."""
    found = _in_state(connection, entry_id, version, "submit", VersionState.DRAFT, VersionState.RETURNED)
    return _decide(connection, found, by, VersionState.IN_REVIEW, "submitted")


def approve(connection: Connection, entry_id: str, version: int, by: Actor, note: str = "") -> Version:
    """Let a version answer from now on. Raises Problem 403 for one's own, 409 in another state."""
    found = _in_state(connection, entry_id, version, "approve", VersionState.IN_REVIEW)
    if found.author == by.name and not by.alone:
        raise Problem(403, "Forbidden", say("own_work", id=entry_id, version=version, author=found.author))
    return _go_live(connection, found, by, "approved", note)


def send_back(connection: Connection, entry_id: str, version: int, by: Actor, reason: str) -> Version:
    """Give a version back to be mended. Raises Problem 409 in another state."""
    found = _in_state(connection, entry_id, version, "send_back", VersionState.IN_REVIEW)
    return _decide(connection, found, by, VersionState.RETURNED, "sent_back", reason)


def retire(connection: Connection, entry_id: str, by: Actor, reason: str) -> None:
    """Take an entry down: it tells nobody anything any more. Raises Problem 404 where it does not anyway."""
    found = live_version(connection, entry_id)
    _set_state(connection, found, VersionState.PAST)
    change = _log(connection, found, by, "retired", reason)
    changed = {"live_version": None, "changed_at": by.at, "change": change}
    connection.execute(update(entries).where(entries.c.id == entry_id).values(changed))


def restore(connection: Connection, entry_id: str, version: int, by: Actor, based_on: int) -> Version:
    """Take an older version up again, as a new draft. Raises Problem 404, 409."""
    found = version_of(connection, entry_id, version)
    note = say("taken_up", version=version)
    return draft(connection, entry_id, found.content, by, note=note, based_on=based_on)


def put(
    connection: Connection, contents: Sequence[tuple[str, Content]], by: Actor, *, live: bool, to_review: bool = False
) -> list[str]:
    """Take in entries from a file, as live or as drafts; returns the ids of those that are new or changed.

    `to_review`: the drafts are handed in to be looked at.
    """
    known = known_digests(connection, [entry_id for entry_id, _ in contents], live=live)
    different = [(entry_id, content) for entry_id, content in contents if known.get(entry_id) != digest(content)]
    state = VersionState.LIVE if live else VersionState.IN_REVIEW if to_review else VersionState.DRAFT
    for batch in batches(different):
        _put_batch(connection, batch, by, state)
    return [entry_id for entry_id, _ in different]


def known_digests(connection: Connection, ids: Sequence[str], *, live: bool) -> dict[str, str]:
    """Digests of the live versions of entries, or of their newest, by id."""
    compared = entries.c.live_version if live else entries.c.newest_version
    joined = (versions.c.entry_id == entries.c.id) & (versions.c.version == compared)
    wanted = select(versions.c.entry_id, versions.c.digest).join(entries, joined)
    found: dict[str, str] = {}
    for batch in batches(ids):
        rows = connection.execute(wanted.where(entries.c.id.in_(batch)))
        found |= {row.entry_id: row.digest for row in rows}
    return found


def _put_batch(connection: Connection, contents: Sequence[tuple[str, Content]], by: Actor, state: VersionState) -> None:
    """Many versions, of new and of known entries, in a few statements."""
    live = state is VersionState.LIVE
    ids = [entry_id for entry_id, _ in contents]
    numbers = select(entries.c.id, entries.c.newest_version, entries.c.live_version).where(entries.c.id.in_(ids))
    there = {row.id: row for row in connection.execute(numbers)}
    number = {entry_id: there[entry_id].newest_version + 1 if entry_id in there else 1 for entry_id in ids}
    older = update(versions).where(versions.c.entry_id.in_(list(there)))
    connection.execute(older.where(_STATE.in_(OPEN)).values(state=VersionState.DROPPED))
    if live:
        connection.execute(older.where(_STATE == VersionState.LIVE).values(state=VersionState.PAST))
    first = {"newest_version": 1, "live_version": 1 if live else None, "made_at": by.at, "changed_at": by.at}
    made = [(entry_id, content) for entry_id, content in contents if entry_id not in there]
    if made:
        rows = [{"id": entry_id, "change": 0, **first, **_listed(content)} for entry_id, content in made]
        connection.execute(insert(entries), rows)
    decided = {"decided_by": by.name, "decided_at": by.at, "decision": ""} if live else {}
    connection.execute(
        insert(versions),
        [_row(entry_id, number[entry_id], state, content, by, "") | decided for entry_id, content in contents],
    )
    logged = {"at": by.at, "actor": by.name, "kind": "imported", "note": ""}
    connection.execute(insert(changes), [{"entry_id": each, "version": number[each], **logged} for each in ids])
    change = connection.execute(select(func.max(changes.c.id))).scalar_one()
    for entry_id, content in contents:
        if entry_id in there:
            told = {"live_version": number[entry_id]} if live else {}
            shown = _listed(content) if live or there[entry_id].live_version is None else {}
            changed = {"newest_version": number[entry_id], "changed_at": by.at} | told | shown
            connection.execute(update(entries).where(entries.c.id == entry_id).values(changed))
    if live:
        connection.execute(update(entries).where(entries.c.id.in_(ids)).values(change=change))


def _add(
    connection: Connection,
    entry_id: str,
    content: Content,
    by: Actor,
    state: VersionState,
    note: str,
    from_order: str | None = None,
) -> Version:
    newest = connection.execute(
        select(entries.c.newest_version, entries.c.live_version).where(entries.c.id == entry_id)
    ).first()
    number = 1 if newest is None else newest.newest_version + 1
    if newest is None:
        first = {"id": entry_id, "newest_version": 1, "made_at": by.at, "changed_at": by.at, "change": 0}
        connection.execute(insert(entries).values(first | {"from_order": from_order} | _listed(content)))
    else:
        given_up = (versions.c.entry_id == entry_id) & _STATE.in_(OPEN)
        connection.execute(update(versions).where(given_up).values(state=VersionState.DROPPED))
        shown = {} if newest.live_version is not None else _listed(content)
        changed = {"newest_version": number, "changed_at": by.at} | shown
        connection.execute(update(entries).where(entries.c.id == entry_id).values(changed))
    made = Version(entry_id, number, state, content, by.name, by.at, note, None, None, None)
    connection.execute(insert(versions).values(_row(entry_id, number, state, content, by, note)))
    return made


def _row(entry_id: str, number: int, state: VersionState, content: Content, by: Actor, note: str) -> dict[str, Any]:
    told = {"content": content.to_json(), "digest": digest(content), "note": note}
    return {"entry_id": entry_id, "version": number, "state": state, "author": by.name, "made_at": by.at, **told}


def _go_live(connection: Connection, found: Version, by: Actor, kind: str, note: str) -> Version:
    was_live = (versions.c.entry_id == found.entry_id) & (_STATE == VersionState.LIVE)
    connection.execute(update(versions).where(was_live).values(state=VersionState.PAST))
    decided = _decide(connection, found, by, VersionState.LIVE, kind, note)
    change = connection.execute(select(func.max(changes.c.id))).scalar_one()
    changed = {"live_version": found.version, "changed_at": by.at, "change": change} | _listed(found.content)
    connection.execute(update(entries).where(entries.c.id == found.entry_id).values(changed))
    return decided


def _decide(
    connection: Connection, found: Version, by: Actor, state: VersionState, kind: str, note: str = ""
) -> Version:
    decided = {"state": state, "decided_by": by.name, "decided_at": by.at, "decision": note}
    connection.execute(update(versions).where(_is(found)).values(decided))
    _log(connection, found, by, kind, note)
    return version_of(connection, found.entry_id, found.version)


def _set_state(connection: Connection, found: Version, state: VersionState) -> None:
    connection.execute(update(versions).where(_is(found)).values(state=state))


def _is(found: Version) -> Any:
    return (versions.c.entry_id == found.entry_id) & (versions.c.version == found.version)


def _in_state(connection: Connection, entry_id: str, version: int, wish: str, *states: VersionState) -> Version:
    found = version_of(connection, entry_id, version)
    if found.state not in states:
        shown = {"state": say.of("states", found.state), "wish": say.of("wishes", wish)}
        raise Problem(409, "Conflict", say("wrong_state", id=entry_id, version=version, **shown))
    return found


def _log(connection: Connection, found: Version, by: Actor, kind: str, note: str) -> int:
    row = {"entry_id": found.entry_id, "version": found.version, "at": by.at, "actor": by.name}
    made = connection.execute(insert(changes).values(row | {"kind": kind, "note": note}).returning(changes.c.id))
    return int(made.scalar_one())


def _listed(content: Content) -> dict[str, Any]:
    """What an entry's row repeats of its content, for lists."""
    return {
        "question": content.question,
        "category": content.category,
        "unit": content.unit,
        "expires": content.expires,
        "to_confirm": len(content.confirm),
    }


def _version(row: Row[Any]) -> Version:
    return Version(
        row.entry_id,
        row.version,
        VersionState(row.state),
        Content.model_validate(row.content),
        row.author,
        row.made_at,
        row.note,
        row.decided_by,
        row.decided_at,
        row.decision,
    )


def _unknown(entry_id: str) -> Problem:
    return Problem(404, "Not Found", say("unknown_entry", id=entry_id))
