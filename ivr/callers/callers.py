"""What is known of a calling number, what its citizen hears after the proof, and what is done for them.

Every method takes the connection of a running transaction.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.sql.elements import ColumnElement

from core.city import City
from core.clock import to_city_time
from core.database import vault_of
from core.problems import Problem
from desk.closing import expediting
from desk.life.handling import Handling
from desk.limits.deadlines import Light, Step
from desk.orders import proxies, register
from desk.orders.model import OPEN_STATES, Channel, NewWorkOrder, State, e164
from desk.orders.tables import clocks, work_orders
from desk.repeated import supporters
from desk.special import running
from desk.telling import deliveries
from desk.telling.notices import read_notices
from ivr.callers import proof as proofs
from ivr.callers.rules import CallerRules, Texts, hotline_of, read_rules, read_texts
from ivr.callers.speech import Known, matter, spoken
from ivr.calls import CONVERSATION
from ivr.flow import CallState, Expedite, Facts, OpenOrder, Proved, ShareCard, Shared, Supplement, TextNumber
from ivr.flow.state import is_mobile

log = logging.getLogger(__name__)

ACTOR = "phone"
MOST_LOOKED_AT = 50
"""Orders of one number that are looked at: a company's may have hundreds."""

ElderList = Callable[[Connection, str, datetime], bool]
"""Whether a number (E.164) stands on the elder list at a moment."""


class Callers:
    """The callers of one city. `texts`: whether a gateway for text messages is set up."""

    def __init__(
        self,
        rules: CallerRules,
        wording: Texts,
        handling: Handling,
        city: City,
        *,
        on_elder_list: ElderList,
        texts: bool,
    ) -> None:
        self.rules = rules
        self._wording = wording
        self._handling = handling
        self._city = city
        self._hotline = hotline_of(city)
        self._quiet = read_notices(city).quiet
        self._on_elder_list = on_elder_list
        self._texts = texts

    @classmethod
    def of_city(cls, city: City, handling: Handling, *, on_elder_list: ElderList, texts: bool) -> "Callers":
        """The callers under a city's rules. Raises ValueError naming what is wrong in a file."""
        wording = read_texts(city)
        return cls(read_rules(city), wording, handling, city, on_elder_list=on_elder_list, texts=texts)

    # ---- who is calling --------------------------------------------------------------------------------------

    def facts_of(self, connection: Connection, caller: str | None, now: datetime) -> Facts:
        """What is known of a calling number when the phone is taken up. Nothing of it may be spoken."""
        session = running.taking_calls(connection, now)
        number = e164(caller) if caller else None
        return Facts(
            known=number is not None and bool(self._open_orders(connection, number)),
            elder=number is not None
            and self.rules.elders.straight_to_person
            and self._on_elder_list(connection, number, now),
            leader=None if session is None else session["leader"],
            texts=self._texts,
        )

    def prove(self, connection: Connection, caller: str | None, proof: str, now: datetime) -> Proved:
        """The caller's open orders when the proof fits one of them. A misfit is counted; must run in a write.

        What can be no proof at all (five digits) is none, and not counted.
        """
        number = e164(caller) if caller else None
        given = proofs.normal(proof)
        if number is None:
            return Proved(None)
        if proofs.is_barred(connection, number, self.rules.wrong_proofs, now):
            return Proved(None, barred=True)
        if given is None:
            return Proved(None)
        found = proofs.opened_by(given, self._open_orders(connection, number), number)
        if not found:
            proofs.count_failure(connection, number, now)
            return Proved(None, barred=proofs.is_barred(connection, number, self.rules.wrong_proofs, now))
        told = found[: self.rules.most_orders]
        return Proved(tuple(self._spoken(connection, order, now) for order in told))

    def _open_orders(self, connection: Connection, number: str) -> list[RowMapping]:
        """The orders of a contact phone that go on, in themselves or in the one they were merged into, newest first."""
        going_on: ColumnElement[bool] = work_orders.c.state.in_([*OPEN_STATES, State.MERGED])
        query = (
            select(work_orders)
            .where(work_orders.c.phone_trace.in_(vault_of(connection).traces(number)), going_on)
            .where(work_orders.c.forsaken.is_(False))
            .order_by(work_orders.c.created_at.desc(), work_orders.c.id.desc())
            .limit(MOST_LOOKED_AT)
        )
        rows = connection.execute(query).mappings().all()
        return [row for row in rows if _handled_in(connection, row)["state"] in OPEN_STATES]

    def _spoken(self, connection: Connection, order: RowMapping, now: datetime) -> OpenOrder:
        handled = _handled_in(connection, order)
        query = select(clocks.c.red, clocks.c.light).where(
            clocks.c.work_order_id == handled["id"], clocks.c.step == Step.FINISH, clocks.c.ended_at.is_(None)
        )
        # While the unit waits for the citizen the clock stands, and its end says nothing.
        stands = handled["state"] == State.WAITING_FOR_CITIZEN
        clock = None if stands else connection.execute(query).first()
        known = Known(
            number=order["number"],
            created_at=order["created_at"],
            state=State(handled["state"]),
            confidential=order["confidential"],
            category=self._city.categories.get(order["category"] or ""),
            text=order["text"],
            due=clock.red if clock else None,
            light=Light(clock.light) if clock and clock.light else None,
        )
        return spoken(known, now)

    # ---- what is done for them -------------------------------------------------------------------------------

    def apply(
        self,
        connection: Connection,
        effect: Supplement | Expedite | TextNumber,
        state: CallState,
        now: datetime,
    ) -> None:
        """Do what a step of a call asks for, in the transaction that keeps the step.

        Only for an order that this call opened, or that its caller proved to be theirs.
        """
        order = self._theirs(connection, effect.number, state)
        if order is None:
            log.warning("not this caller's order", extra={"call": state.call_sid, "effect": effect.kind})
            return
        match effect:
            case Supplement():
                self._supplement(connection, order, effect.text, state, now)
            case Expedite():
                self._expedite(connection, order, now)
            case TextNumber():
                self._text_number(connection, order, state, now)

    def share(self, connection: Connection, wanted: ShareCard, state: CallState, now: datetime) -> Shared:
        """Let a family member act for the caller and send them the card, where the city's limits allow it."""
        order = self._theirs(connection, wanted.number, state)
        if order is None:
            log.warning("not this caller's order", extra={"call": state.call_sid, "effect": "share"})
            return Shared(sent=False)
        return Shared(self._share(connection, order, wanted.phone, state, now))

    def _theirs(self, connection: Connection, number: str, state: CallState) -> RowMapping | None:
        query = select(work_orders).where(work_orders.c.number == number)
        order = connection.execute(query).mappings().first()
        proven = number in {each.number for each in state.orders}
        if order is None or not (proven or order["conversation_id"] == CONVERSATION + state.call_sid):
            return None
        return order

    def _supplement(
        self, connection: Connection, order: RowMapping, text: str, state: CallState, now: datetime
    ) -> None:
        text = text.strip()[:10_000]
        if not text:
            return
        handled = supporters.handled_in(connection, register.locked(connection, order["number"]))
        if handled["state"] in OPEN_STATES:
            register.supplement(connection, handled["number"], text, now, ACTOR)
            return
        # It ended while the caller was speaking: the words are not lost.
        kept = NewWorkOrder(
            text=text,
            channel=Channel.PHONE,
            conversation_id=CONVERSATION + state.call_sid,
            contact_phone=e164(state.caller) if state.caller else None,
            confidential=order["confidential"],
            needs_person=True,
            reason=self._wording.ended.format(number=order["number"]),
        )
        register.keep_for_person(connection, kept, now)

    def _expedite(self, connection: Connection, order: RowMapping, now: datetime) -> None:
        handled = supporters.handled_in(connection, register.locked(connection, order["number"]))
        rules, calendar = self._handling.aftercare.expediting, self._handling.clocks.calendar
        try:
            expediting.expedite(connection, handled["number"], rules, calendar, now, ACTOR)
        except Problem as problem:
            log.info("nothing left to hurry", extra={"status": problem.status})

    def _text_number(self, connection: Connection, order: RowMapping, state: CallState, now: datetime) -> None:
        if not self._texts or not is_mobile(state.caller):
            return
        said = {"number": order["number"], "query_code": order["query_code"], "hotline": self._hotline}
        self._text(connection, order, "number", state.caller, self._wording.number.format(**said), state, now, now)

    def _share(self, connection: Connection, order: RowMapping, phone: str, state: CallState, now: datetime) -> bool:
        member, rules = e164(phone), self.rules.family
        if not self._texts:
            return False
        if member is None or not is_mobile(member) or member == order["contact_phone"]:
            log.info("no card for this number", extra={"call": state.call_sid})
            return False
        if proxies.acting(connection, order["id"], now) >= rules.most:
            log.info("as many family members as an order may have", extra={"call": state.call_sid})
            return False
        if proxies.added_of_late(connection, member, now) >= rules.cards_a_day:
            log.warning("too many cards for one number", extra={"call": state.call_sid})
            return False
        until = to_city_time(now).date() + timedelta(days=rules.days)
        added = proxies.add(connection, order, member, list(rules.scope), until, self._wording.consent, now, ACTOR)
        if added is None:
            return True  # They have it already.
        day = self._wording.until.format(month=until.month, day=until.day)
        said = {"number": order["number"], "hotline": self._hotline, "until": day, "tail": member[-4:]}
        asker = order["contact_phone"] or state.caller
        who = self._wording.who.format(tail=asker[-4:]) if asker else self._wording.who_unknown
        card = self._wording.card.format(**said, who=who, matter=self._matter(order))
        # The caller is awake; the family member may not be.
        awake = self._quiet.end(now, order["urgency"], self._handling.clocks.calendar.zone)
        self._text(connection, order, "card", member, card, state, now, awake)
        if is_mobile(order["contact_phone"]):
            shared = self._wording.shared.format(**said)
            self._text(connection, order, "shared", order["contact_phone"], shared, state, now, now)
        return True

    def _matter(self, order: RowMapping) -> str:
        category = self._city.categories.get(order["category"] or "")
        return self._wording.secret if order["confidential"] else matter(category, order["text"])

    def _text(
        self,
        connection: Connection,
        order: RowMapping,
        what: str,
        phone: str | None,
        text: str,
        state: CallState,
        now: datetime,
        due_at: datetime,
    ) -> None:
        key = f"{state.call_sid}:{state.step}:{what}:{order['number']}"
        number = e164(phone or "")
        if number is not None and deliveries.add_text(connection, order["id"], key, number, text, now, due_at):
            register.add_event(connection, order["id"], "texted", {"what": what}, now, ACTOR)


def _handled_in(connection: Connection, order: RowMapping) -> RowMapping:
    """The order in which a matter goes on: itself, or the one it was merged into; nothing is locked."""
    while order["merged_into"] is not None:
        order = register.by_id(connection, order["merged_into"])
    return order
