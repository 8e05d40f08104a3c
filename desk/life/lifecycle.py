"""The life of a work order on one page: which move leads from which states to which.

Pure. `desk/life/handling.py` makes the moves; the database refuses states that are not in `State`.
"""

from enum import StrEnum

from core.access import Role
from desk.orders.model import OPEN_STATES, State

UNIT_WORKS = frozenset({State.IN_PROGRESS, State.REDO})
"""The unit has the order in its hands."""


class Move(StrEnum):
    """What is done with an order."""

    ACCEPT = "accept"
    """受理: a person has read it."""
    REJECT = "reject"
    """不予受理, with the legal way for it."""
    DISPATCH = "dispatch"
    """派单 to the one responsible unit."""
    SIGN = "sign"
    """签收 by the unit."""
    RETURN = "return"
    """退单, with the reason and the clause."""
    GRANT_RETURN = "grant_return"
    REFUSE_RETURN = "refuse_return"
    ASK_CITIZEN = "ask_citizen"
    """The unit waits for the citizen."""
    RESUME = "resume"
    """The citizen has answered."""
    ASK_EXTENSION = "ask_extension"
    GRANT_EXTENSION = "grant_extension"
    REFUSE_EXTENSION = "refuse_extension"
    HAND_DOWN = "hand_down"
    """下派 to a unit below; the responsible unit goes on answering for it."""
    HAND_BACK = "hand_back"
    """交回 by the unit below."""
    REFER = "refer"
    """跨市通办: referred to the city whose matter it is."""
    HAND_OVER = "hand_over"
    """移交 to another public line."""
    RECEIPT = "receipt"
    """The other city or line has confirmed that it has the order."""
    CONTACT = "contact"
    """首次联系: the unit has spoken to the citizen; the state stays."""
    VISIT = "visit"
    """现场核实: the unit has been on site, and says what it thinks at first; the state stays."""
    WAIVE_VISIT = "waive_visit"
    """Why the unit need not go there; the state stays."""
    REPLY = "reply"
    """答复 of the unit."""
    APPROVE_REPLY = "approve_reply"
    REFUSE_REPLY = "refuse_reply"
    CLOSE = "close"
    """办结: the citizen has been asked."""
    CLOSE_UNREACHED = "close_unreached"
    """办结 of an order whose citizen could not be reached."""
    REDO = "redo"
    """重办: the citizen is not satisfied."""
    REOPEN = "reopen"
    """The matter has come back after it was closed."""
    MERGE = "merge"
    """并单 into another order about the same thing."""
    UNMERGE = "unmerge"
    ASSIGN = "assign"
    """指定承办: a leader has decided which unit handles it; it cannot be returned."""
    WITHDRAW = "withdraw"
    """撤回 by the citizen."""


FROM: dict[Move, frozenset[State]] = {
    Move.ACCEPT: frozenset({State.PENDING_ACCEPTANCE}),
    Move.REJECT: frozenset({State.PENDING_ACCEPTANCE, State.PENDING_DISPATCH}),
    Move.DISPATCH: frozenset({State.PENDING_DISPATCH}),
    Move.SIGN: frozenset({State.PENDING_SIGN}),
    Move.RETURN: frozenset({State.PENDING_SIGN, State.IN_PROGRESS}),
    Move.GRANT_RETURN: frozenset({State.RETURNING}),
    Move.REFUSE_RETURN: frozenset({State.RETURNING}),
    Move.ASK_CITIZEN: UNIT_WORKS,
    Move.RESUME: frozenset({State.WAITING_FOR_CITIZEN}),
    Move.ASK_EXTENSION: UNIT_WORKS,
    Move.GRANT_EXTENSION: frozenset({State.EXTENSION_ASKED}),
    Move.REFUSE_EXTENSION: frozenset({State.EXTENSION_ASKED}),
    Move.HAND_DOWN: UNIT_WORKS | {State.PENDING_SIGN},
    Move.HAND_BACK: UNIT_WORKS | {State.PENDING_SIGN},
    Move.REFER: UNIT_WORKS | {State.PENDING_DISPATCH},
    Move.HAND_OVER: UNIT_WORKS | {State.PENDING_DISPATCH},
    Move.RECEIPT: frozenset({State.REFERRED}),
    Move.CONTACT: UNIT_WORKS,
    Move.VISIT: UNIT_WORKS,
    Move.WAIVE_VISIT: UNIT_WORKS,
    Move.REPLY: UNIT_WORKS | {State.REFERRED},
    Move.APPROVE_REPLY: frozenset({State.PENDING_REVIEW}),
    Move.REFUSE_REPLY: frozenset({State.PENDING_REVIEW}),
    Move.CLOSE: frozenset({State.PENDING_CALLBACK}),
    Move.CLOSE_UNREACHED: frozenset({State.PENDING_CALLBACK}),
    Move.REDO: frozenset({State.PENDING_CALLBACK}),
    Move.REOPEN: frozenset({State.CLOSED}),
    Move.MERGE: OPEN_STATES - {State.PENDING_REVIEW, State.PENDING_CALLBACK},
    Move.UNMERGE: frozenset({State.MERGED}),
    Move.ASSIGN: OPEN_STATES - {State.PENDING_ACCEPTANCE},
    Move.WITHDRAW: OPEN_STATES,
}

TO: dict[Move, State | None] = {
    Move.ACCEPT: State.PENDING_DISPATCH,
    Move.REJECT: State.REJECTED,
    Move.DISPATCH: State.PENDING_SIGN,
    Move.SIGN: State.IN_PROGRESS,
    Move.RETURN: State.RETURNING,
    Move.GRANT_RETURN: State.PENDING_DISPATCH,
    Move.REFUSE_RETURN: State.IN_PROGRESS,
    Move.ASK_CITIZEN: State.WAITING_FOR_CITIZEN,
    Move.RESUME: State.IN_PROGRESS,
    Move.ASK_EXTENSION: State.EXTENSION_ASKED,
    Move.GRANT_EXTENSION: State.IN_PROGRESS,
    Move.REFUSE_EXTENSION: State.IN_PROGRESS,
    Move.HAND_DOWN: None,
    Move.HAND_BACK: None,
    Move.REFER: State.REFERRED,
    Move.HAND_OVER: State.REFERRED,
    Move.RECEIPT: None,
    Move.CONTACT: None,
    Move.VISIT: None,
    Move.WAIVE_VISIT: None,
    Move.REPLY: State.PENDING_REVIEW,
    Move.APPROVE_REPLY: State.PENDING_CALLBACK,
    Move.REFUSE_REPLY: State.IN_PROGRESS,
    Move.CLOSE: State.CLOSED,
    Move.CLOSE_UNREACHED: State.CLOSED,
    Move.REDO: State.REDO,
    Move.REOPEN: State.REDO,
    Move.MERGE: State.MERGED,
    Move.UNMERGE: State.PENDING_DISPATCH,
    Move.ASSIGN: State.PENDING_SIGN,
    Move.WITHDRAW: State.WITHDRAWN,
}


"""The state a move leads to; None leaves it as it is."""


_OFFICE = frozenset({Role.DISPATCHER})
_UNIT = frozenset({Role.HANDLER, Role.UNIT_HEAD})

WHO: dict[Move, frozenset[Role]] = {
    Move.ACCEPT: frozenset({Role.SEAT, Role.DISPATCHER}),
    Move.REJECT: _OFFICE,
    Move.DISPATCH: _OFFICE,
    Move.SIGN: _UNIT,
    Move.RETURN: _UNIT,
    Move.GRANT_RETURN: _OFFICE,
    Move.REFUSE_RETURN: _OFFICE,
    Move.ASK_CITIZEN: _UNIT,
    Move.RESUME: _UNIT | {Role.SEAT},
    Move.ASK_EXTENSION: _UNIT,
    Move.GRANT_EXTENSION: _OFFICE,
    Move.REFUSE_EXTENSION: _OFFICE,
    Move.HAND_DOWN: _UNIT,
    Move.HAND_BACK: _UNIT,
    Move.REFER: _OFFICE,
    Move.HAND_OVER: _OFFICE,
    Move.RECEIPT: _OFFICE,
    Move.CONTACT: _UNIT,
    Move.VISIT: _UNIT,
    Move.WAIVE_VISIT: _UNIT,
    Move.REPLY: _UNIT,
    Move.APPROVE_REPLY: frozenset({Role.UNIT_HEAD, Role.DISPATCHER}),
    Move.REFUSE_REPLY: frozenset({Role.UNIT_HEAD, Role.DISPATCHER}),
    Move.CLOSE: frozenset({Role.SEAT, Role.DISPATCHER}),
    Move.CLOSE_UNREACHED: frozenset({Role.SUPERVISOR}),
    Move.REDO: frozenset({Role.SEAT, Role.DISPATCHER}),
    Move.REOPEN: frozenset({Role.SEAT, Role.DISPATCHER, Role.SUPERVISOR}),
    Move.MERGE: _OFFICE,
    Move.UNMERGE: _OFFICE,
    Move.ASSIGN: frozenset({Role.LEADER}),
    Move.WITHDRAW: frozenset(),
}
"""Who of the staff may make a move; an administrator always may.

Withdrawing is the citizen's, and a leader assigns by deciding a special report (`desk/oversight/special_reports.py`).
"""
ANSWERS_FOR_IT = frozenset({Move.RETURN, Move.ASK_EXTENSION, Move.APPROVE_REPLY, Move.REFUSE_REPLY})
"""Of a unit's moves those that only the responsible unit makes, and none that assists or was handed the work."""


def may(role: Role | None, move: Move) -> bool:
    """Whether somebody with a role may make a move."""
    return role is Role.ADMIN or role in WHO[move]


def moves_from(state: State, role: Role | None = Role.ADMIN) -> list[Move]:
    """The moves a state allows to somebody with a role, in the order of the page."""
    return [move for move in Move if state in FROM[move] and may(role, move)]
