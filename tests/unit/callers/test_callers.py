"""Known callers: what opens a citizen's orders on the telephone, and what is then done for them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from core.city import City
from core.database import Database
from core.problems import Problem
from desk.life import moves
from desk.life.handling import Handling
from desk.life.lifecycle import Move
from desk.orders import progress, proxies, register
from desk.orders.model import NewWorkOrder, ProxyAct, State, WorkOrder
from desk.orders.tables import work_orders
from desk.telling.carriers import Parcel
from desk.telling.deliveries import delivered, deliveries, take
from desk.telling.texts import texts
from hotline import schema
from hotline.resealing import reseal
from ivr.callers import Callers
from ivr.callers.proof import caller_failures
from ivr.calls import CONVERSATION
from ivr.flow import CallState, Expedite, Facts, OpenOrder, Proved, ShareCard, Shared, Supplement, TextNumber
from tests.conftest import VAULT

pytestmark = pytest.mark.unit

CITIZEN, DAUGHTER, STRANGER, OFFICE = "+8613871234567", "+8613900001111", "+8613811112222", "+867158235678"
ID_NUMBER, OTHER_ID = "11010519491231002X", "110105194912310046"
NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
UNIT = "咸安区生态环境局"
CALL = CallState("CA1", CITIZEN, step=4)

Open = Callable[..., WorkOrder]


@pytest.fixture(scope="module")
def handling(city: City) -> Handling:
    return Handling.of_city(city)


@pytest.fixture(scope="module")
def callers(city: City, handling: Handling) -> Callers:
    def on_list(_: Connection, phone: str, __: datetime) -> bool:
        return phone == STRANGER

    return Callers.of_city(city, handling, on_elder_list=on_list, texts=True)


@pytest.fixture(scope="module", params=["sqlite"])
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database of each kind for all tests."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('callers') / 'hotline.db'}"
    else:
        url = request.getfixturevalue("postgresql_url")()
    made = Database(url, VAULT)
    schema.upgrade(made)
    yield made
    made.close()


@pytest.fixture
def connection(migrated: Database) -> Iterator[Connection]:
    """A transaction of which nothing is kept."""
    with migrated.engine.connect() as connection:
        yield connection


@pytest.fixture
def filed(connection: Connection, noise_complaint: dict[str, Any]) -> Open:
    """Opens an order, by default the noise complaint of three days ago."""

    def open_one(at: datetime = NOW - timedelta(days=3), **changes: Any) -> WorkOrder:
        matter = {**noise_complaint, "channel": "phone", "text": "楼下烧烤店夜间噪音很大", **changes}
        return register.open_work_order(connection, NewWorkOrder.model_validate(matter), None, at, "bot").order

    return open_one


def test_a_number_with_an_open_order_is_known_and_others_are_not(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    order = filed(contact_phone="138 7123 4567")
    assert callers.facts_of(connection, CITIZEN, NOW) == Facts(known=True, texts=True)
    assert callers.facts_of(connection, "013871234567", NOW).known, "as some carriers write it"
    assert callers.facts_of(connection, STRANGER, NOW) == Facts(elder=True, texts=True)
    assert callers.facts_of(connection, None, NOW) == Facts(texts=True)
    assert callers.facts_of(connection, "anonymous", NOW) == Facts(texts=True)
    connection.execute(update(work_orders).where(work_orders.c.number == order.number).values(state=State.CLOSED))
    assert not callers.facts_of(connection, CITIZEN, NOW).known


def test_the_code_or_the_end_of_the_id_number_opens_the_callers_own_orders(
    connection: Connection, callers: Callers, handling: Handling, filed: Open
) -> None:
    older = filed(id_number=ID_NUMBER)
    newer = filed(at=NOW - timedelta(hours=2), category=None, text="路口的灯不亮")
    handling.move(connection, older.number, moves.Dispatch(move=Move.DISPATCH, unit=UNIT), NOW, "dispatcher")
    expected = (
        OpenOrder(newer.number, "今天", "诉求", "正在派单", None),
        OpenOrder(older.number, "三天前", "噪音", "已派单，等承办单位签收", "下周二17点半到期"),
    )
    for proof in (older.query_code, newer.query_code, "002*", "002X", "零零二*"):
        assert callers.prove(connection, CITIZEN, proof, NOW) == Proved(expected), proof


def test_no_proof_opens_anothers_order_and_the_right_one_from_a_foreign_number_neither(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    mine, theirs = filed(id_number=ID_NUMBER), filed(contact_phone=STRANGER, id_number=OTHER_ID)
    for caller, proof in ((CITIZEN, theirs.query_code), (CITIZEN, "0046"), (STRANGER, mine.query_code), (None, "002X")):
        assert callers.prove(connection, caller, proof, NOW).orders is None, (caller, proof)
    assert callers.prove(connection, CITIZEN, mine.contact_phone[-4:] if mine.contact_phone else "", NOW).orders is None


def test_three_wrong_proofs_bar_a_number_for_an_hour_and_no_other(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    order, other = filed(id_number=ID_NUMBER), filed(contact_phone=STRANGER)
    wrong = [callers.prove(connection, CITIZEN, proof, NOW) for proof in ("0000", "12345", "1111", "2222")]
    assert wrong == [Proved(None), Proved(None), Proved(None), Proved(None, barred=True)], "12345 can be no proof"
    assert callers.prove(connection, CITIZEN, order.query_code, NOW) == Proved(None, barred=True)
    assert callers.prove(connection, STRANGER, other.query_code, NOW).orders
    later = NOW + timedelta(hours=1, seconds=1)
    assert callers.prove(connection, CITIZEN, order.query_code, later).orders
    callers.prove(connection, STRANGER, "0000", later)
    assert len(connection.execute(select(caller_failures)).all()) == 1, "what counts no more is gone"


def test_an_order_with_anothers_id_number_on_the_same_mobile_stays_closed(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    wifes, husbands, nobodys = filed(id_number=ID_NUMBER), filed(id_number=OTHER_ID), filed()

    def told(proof: str) -> set[str]:
        return {each.number for each in callers.prove(connection, CITIZEN, proof, NOW).orders or ()}

    assert told("002X") == {wifes.number, nobodys.number}
    assert told(husbands.query_code) == {husbands.number, nobodys.number}
    assert told(nobodys.query_code) == {nobodys.number}


def test_a_confidential_order_opens_by_its_own_proof_alone(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    open_one, secret = filed(), filed(nature="举报")

    def told(proof: str) -> list[tuple[str, str]]:
        return [(each.number, each.matter) for each in callers.prove(connection, CITIZEN, proof, NOW).orders or ()]

    assert told(open_one.query_code) == [(open_one.number, "噪音")]
    assert told(secret.query_code) == [(secret.number, ""), (open_one.number, "噪音")]


def test_behind_a_shared_line_each_order_has_its_own_proof(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    mine, colleagues = filed(contact_phone=OFFICE), filed(contact_phone=OFFICE)
    for order in (mine, colleagues):
        proved = callers.prove(connection, OFFICE, order.query_code, NOW)
        assert [each.number for each in proved.orders or ()] == [order.number]


def test_an_order_that_was_merged_is_told_and_added_to_where_it_goes_on(
    connection: Connection, callers: Callers, handling: Handling, filed: Open
) -> None:
    into, mine = filed(contact_phone=STRANGER), filed()
    handling.move(connection, mine.number, moves.Merge(move=Move.MERGE, into=into.number), NOW, "dispatcher")
    handling.move(connection, into.number, moves.Dispatch(move=Move.DISPATCH, unit=UNIT), NOW, "dispatcher")
    handling.move(connection, into.number, moves.Sign(move=Move.SIGN), NOW, "handler")
    [told] = callers.prove(connection, CITIZEN, mine.query_code, NOW).orders or ()
    assert (told.number, told.state) == (mine.number, "正在办理")
    state = CallState("CA1", CITIZEN, orders=(told,))
    callers.apply(connection, Supplement(mine.number, "昨晚又吵到两点"), state, NOW)
    assert "supplemented" in [event.kind for event in register.events_of(connection, into.number)]


def test_while_the_unit_waits_for_the_citizen_no_time_limit_is_told(
    connection: Connection, callers: Callers, handling: Handling, filed: Open
) -> None:
    order = filed()
    for request in (
        moves.Dispatch(move=Move.DISPATCH, unit=UNIT),
        moves.Sign(move=Move.SIGN),
        moves.AskCitizen(move=Move.ASK_CITIZEN, question="几点开始吵？"),
    ):
        handling.move(connection, order.number, request, NOW, "handler")
    [told] = callers.prove(connection, CITIZEN, order.query_code, NOW + timedelta(days=30)).orders or ()
    assert (told.state, told.due, told.light) == ("承办单位在等您补充情况", None, None)


def test_a_late_order_is_honestly_called_late_with_its_light(
    connection: Connection, callers: Callers, handling: Handling, filed: Open
) -> None:
    order, late = filed(), NOW + timedelta(days=14)
    handling.move(connection, order.number, moves.Dispatch(move=Move.DISPATCH, unit=UNIT), NOW, "dispatcher")
    handling.sweep(connection, late)
    [told] = callers.prove(connection, CITIZEN, order.query_code, late).orders or ()
    assert (told.due, told.light) == ("已超过时限，正在督促", "现在是红灯，已报督办")


def test_what_a_caller_adds_and_hurries_goes_to_the_proven_order_only(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    mine, theirs = filed(), filed(contact_phone=STRANGER)
    proved = callers.prove(connection, CITIZEN, mine.query_code, NOW).orders or ()
    state = CallState("CA1", CITIZEN, step=4, orders=proved)
    for number in (mine.number, theirs.number, "20200101-000001"):
        for effect in (Supplement(number, " 昨晚又吵到两点 "), Supplement(number, " "), Expedite(number)):
            callers.apply(connection, effect, state, NOW)
    told = [(event.kind, event.actor) for event in register.events_of(connection, mine.number)]
    assert told == [("opened", "bot"), ("supplemented", "phone"), ("expedited", "phone")]
    assert [event.kind for event in register.events_of(connection, theirs.number)] == ["opened"]


def test_words_to_an_order_that_ended_meanwhile_are_kept_for_a_person(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    order = filed()
    proved = callers.prove(connection, CITIZEN, order.query_code, NOW).orders or ()
    connection.execute(update(work_orders).where(work_orders.c.number == order.number).values(state=State.CLOSED))
    state = CallState("CA9", CITIZEN, orders=proved)
    callers.apply(connection, Supplement(order.number, "又吵了"), state, NOW)
    callers.apply(connection, Expedite(order.number), state, NOW)
    query = select(work_orders).where(work_orders.c.conversation_id == CONVERSATION + "CA9")
    [kept] = connection.execute(query).mappings().all()
    assert (kept["text"], kept["state"], kept["contact_phone"]) == ("又吵了", State.PENDING_ACCEPTANCE, CITIZEN)
    [opened] = register.events_of(connection, kept["number"])
    assert order.number in opened.data["reason"]


def sent(connection: Connection, now: datetime) -> list[Parcel]:
    return sorted(take(connection, ["sms"], now), key=lambda parcel: parcel.id)


def test_number_and_code_are_texted_once_to_the_calling_mobile_number(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    order = filed(conversation_id=CONVERSATION + "CA1")
    for _ in range(2):
        callers.apply(connection, TextNumber(order.number), CALL, NOW)
    [parcel] = sent(connection, NOW)
    assert parcel.phone == CITIZEN
    assert order.number in (parcel.text or "")
    assert order.query_code in (parcel.text or "")
    delivered(connection, parcel, NOW)
    kept = connection.execute(select(texts)).mappings().one()
    assert (kept["phone"], kept["text"]) == (None, None), "nothing of it is kept once it has arrived"
    assert [event.kind for event in register.events_of(connection, order.number)] == ["opened", "texted"]


def test_no_text_goes_to_a_fixed_line_without_a_gateway_or_of_anothers_order(
    connection: Connection, city: City, handling: Handling, callers: Callers, filed: Open
) -> None:
    order = filed(conversation_id=CONVERSATION + "CA1")
    mute = Callers.of_city(city, handling, on_elder_list=lambda *_: False, texts=False)
    mute.apply(connection, TextNumber(order.number), CALL, NOW)
    callers.apply(connection, TextNumber(order.number), CallState("CA1", OFFICE), NOW)
    callers.apply(connection, TextNumber(order.number), CallState("CA1"), NOW)
    callers.apply(connection, TextNumber(order.number), CallState("CA2", STRANGER), NOW)
    assert connection.execute(select(deliveries)).all() == []


def test_a_family_member_gets_the_card_and_follows_the_order_with_the_own_phone(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    order = filed(conversation_id=CONVERSATION + "CA1")
    for _ in range(2):
        callers.share(connection, ShareCard(order.number, "139 0000 1111"), CALL, NOW)
    card, told = sent(connection, NOW)
    assert (card.phone, told.phone) == (DAUGHTER, CITIZEN)
    assert card.text == (
        f"尾号4567的家人请您同办12345工单{order.number}（噪音）。拨12345或网上凭工单号和您手机尾号可查进度、补充情况、答回访，"
        "至12月24日。不认识对方请忽略。"
    )
    assert "要取消请拨12345转人工" in (told.text or "")

    def recognised(proof: str, act: ProxyAct, now: datetime = NOW) -> str | None:
        person = progress.recognise(connection, order.number, proof, now, 99, act)
        return person.number if person else None

    for act in (ProxyAct.PROGRESS, ProxyAct.SUPPLEMENT, ProxyAct.RATE):
        assert recognised("1111", act) == order.number
    for act, now in ((ProxyAct.WITHDRAW, NOW), (ProxyAct.PROGRESS, NOW + timedelta(days=31))):
        with pytest.raises(Problem, match="covers progress, supplement, rate until 2026-12-24"):
            recognised("1111", act, now)
    [proxy] = proxies.of_order(connection, order_id(connection, order))
    proxies.end(connection, order.number, proxy.id, NOW, "seat")
    proxies.end(connection, order.number, proxy.id, NOW, "seat")
    assert recognised("1111", ProxyAct.PROGRESS) is None
    kinds = [event.kind for event in register.events_of(connection, order.number)]
    assert kinds == ["opened", "shared", "texted", "texted", "share_ended"]
    log = str([event.data for event in register.events_of(connection, order.number)])
    assert "1111" not in log, "the log is no place for a telephone number"


def order_id(connection: Connection, order: WorkOrder) -> int:
    return int(register.row_of(connection, order.number)["id"])


def test_cards_go_to_mobile_numbers_not_to_the_citizen_and_not_without_end(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    def shared(order: WorkOrder, *phones: str) -> int:
        told = [callers.share(connection, ShareCard(order.number, phone), CALL, NOW) for phone in phones]
        acting = len(proxies.of_order(connection, order_id(connection, order)))
        assert told == [Shared(sent=True)] * acting + [Shared(sent=False)] * (len(phones) - acting)
        return acting

    order = filed(conversation_id=CONVERSATION + "CA1")
    assert shared(order, CITIZEN, "0715-8235678", "12345", "") == 0
    assert shared(order, *(f"1390000000{n}" for n in range(5))) == 3, "as many as an order may have"
    others = [filed(conversation_id=CONVERSATION + "CA1", text=f"第{n}件事") for n in range(4)]
    assert [shared(each, DAUGHTER) for each in others] == [1, 1, 1, 0], "nobody is flooded with cards"


def test_at_night_the_card_waits_for_the_morning_and_of_a_secret_matter_it_says_nothing(
    connection: Connection, callers: Callers, filed: Open
) -> None:
    order = filed(conversation_id=CONVERSATION + "CA1", confidential=True, contact_phone=None)
    night, morning = NOW.replace(hour=15), NOW.replace(hour=23, minute=30)
    callers.share(connection, ShareCard(order.number, DAUGHTER), CallState("CA1"), night)
    assert sent(connection, morning - timedelta(seconds=1)) == []
    [card] = sent(connection, morning)
    assert "您的家人请您同办" in (card.text or "")
    assert "（保密）" in (card.text or "")


def stored_in(database: Database, table: str) -> str:
    return str(database.read_now(lambda c: c.exec_driver_sql(f"SELECT * FROM {table}").fetchall()))


def test_family_members_and_texts_are_sealed_and_sealed_anew(
    sqlite: Database, callers: Callers, noise_complaint: dict[str, Any]
) -> None:
    matter = NewWorkOrder.model_validate({**noise_complaint, "conversation_id": CONVERSATION + "CA1"})

    def live(connection: Connection) -> None:
        order = register.open_work_order(connection, matter, None, NOW, "bot").order
        callers.share(connection, ShareCard(order.number, DAUGHTER), CALL, NOW)

    sqlite.write_now(live)
    for table in ("proxies", "texts", "deliveries", "caller_failures"):
        stored = stored_in(sqlite, table)
        assert "13900001111" not in stored, table
        assert "13871234567" not in stored, table
    assert list(reseal(sqlite)) == []
