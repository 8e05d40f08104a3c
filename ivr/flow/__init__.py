"""The call flow: what happened on the line → what is said next. Pure; it knows no carrier, no clock and no storage.

    state, event ──advance──▶ Step                          the flow answers by itself, or
    state, event ──advance──▶ Step(need=…) ──met──▶ Step    the house is asked something in between

Keys that mean the same everywhere: 0 a person · * the last prompt again · # back · 9 slower. At the greeting 1 to 4
choose what the call is about; later they are the choices of the last prompt. While a number is collected, keys end with
#; a lone 0, 9 or * or the key of a choice keeps its meaning, since none of them is a number.
"""

from ivr.flow.events import Ended, Event, Facts, Heard, HungUp, Keyed, Recorded, Returned, Silence, Started
from ivr.flow.instructions import (
    ComeBack,
    Confer,
    Connect,
    Enqueue,
    HangUp,
    Instruction,
    Keys,
    LeaveQueue,
    Listen,
    Pace,
    Play,
    Record,
    Say,
)
from ivr.flow.needs import (
    Ask,
    CallBack,
    Effect,
    Expedite,
    FindSeat,
    HouseNeed,
    KeepMessage,
    Kept,
    Met,
    Need,
    OpenOrder,
    Prove,
    Proved,
    SeatFound,
    ShareCard,
    Shared,
    Supplement,
    TextNumber,
    Why,
)
from ivr.flow.state import CallState, Step, Where
from ivr.flow.steps import advance, apologise, hold, met

__all__ = [
    "Ask",
    "CallBack",
    "CallState",
    "ComeBack",
    "Confer",
    "Connect",
    "Effect",
    "Ended",
    "Enqueue",
    "Event",
    "Expedite",
    "Facts",
    "FindSeat",
    "HangUp",
    "Heard",
    "HouseNeed",
    "HungUp",
    "Instruction",
    "KeepMessage",
    "Kept",
    "Keyed",
    "Keys",
    "LeaveQueue",
    "Listen",
    "Met",
    "Need",
    "OpenOrder",
    "Pace",
    "Play",
    "Prove",
    "Proved",
    "Record",
    "Recorded",
    "Returned",
    "Say",
    "SeatFound",
    "ShareCard",
    "Shared",
    "Silence",
    "Started",
    "Step",
    "Supplement",
    "TextNumber",
    "Where",
    "Why",
    "advance",
    "apologise",
    "hold",
    "met",
]
