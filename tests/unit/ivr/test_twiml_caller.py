"""The tests' own telephone refuses what Twilio refuses; otherwise its calls would prove nothing."""

from dataclasses import dataclass

import pytest

from tests.twiml import TwimlCaller

pytestmark = pytest.mark.unit

GATHER = '<Gather input="dtmf speech" action="/ivr/twilio/step/1" actionOnEmptyResult="true"'


@dataclass
class Canned:
    text: str
    status_code: int = 200


class Carrier:
    """Answers every post with the documents in order; remembers the forms."""

    def __init__(self, *documents: str, status: int = 200) -> None:
        self.documents = [Canned(f"<Response>{document}</Response>", status) for document in documents]
        self.forms: list[tuple[str, dict[str, str]]] = []

    async def post(self, url: str, form: dict[str, str], headers: dict[str, str]) -> Canned:
        self.forms.append((url, form))
        return Canned("", 204) if url.endswith("/status") else self.documents.pop(0)


def calling(carrier: Carrier) -> TwimlCaller:
    return TwimlCaller(carrier.post, "http://hotline.test")


@pytest.mark.parametrize(
    "document",
    [
        "<Speak>您好</Speak>",
        "<Say><Gather/></Say>",
        "<Say></Say>",
        '<Say language="en-US">hello</Say>',
        '<Gather bargeIn="true"/>',
        '<Gather speechTimeout="soon"/>',
        '<Gather speechModel="phone_call"/>',
        '<Gather speechModel="default" speechTimeout="auto"/>',
        f'<Gather hints="{",".join("ab" for _ in range(501))}"/>',
        f'<Gather hints="{"长" * 101}"/>',
        f"<Say>{'长' * 4097}</Say>",
        f"<Pause/>{' ' * 65536}",
        '<Record transcribe="true"/>',
        '<Record recordingStatusCallbackEvent="done"/>',
        f"<Enqueue>{'q' * 65}</Enqueue>",
        "<Enqueue/>",
        "<Dial/>",
        "<Dial><Say>您好</Say></Dial>",
        "<Leave/>",
    ],
)
async def test_a_document_twilio_would_not_play_is_an_error(document: str) -> None:
    with pytest.raises(AssertionError):
        await calling(Carrier(document)).start()


@pytest.mark.parametrize("status", [302, 403, 500])
async def test_any_status_but_200_is_an_error(status: int) -> None:
    with pytest.raises(AssertionError, match=str(status)):
        await calling(Carrier("<Hangup/>", status=status)).start()


@pytest.mark.parametrize(
    ("gather", "keys", "digits"),
    [
        (f'{GATHER} finishOnKey="" numDigits="1"/>', "2", "2"),
        (f'{GATHER} finishOnKey="" numDigits="1"/>', "#", "#"),
        (f"{GATHER}/>", "13907241234#", "13907241234"),
        (f"{GATHER}/>", "13907241234", "13907241234"),
        (f'{GATHER} numDigits="3"/>', "123#", "123"),
        (f"{GATHER}/>", "#", None),
    ],
)
async def test_keys_are_handed_over_as_twilio_does(gather: str, keys: str, digits: str | None) -> None:
    carrier = Carrier(gather, gather)
    caller = calling(carrier)
    await caller.start()
    await caller.press(keys)

    assert carrier.forms[-1][1].get("Digits") == digits


@pytest.mark.parametrize(
    ("gather", "keys"),
    [
        ('<Gather input="speech"/>', "1"),
        (f'{GATHER} finishOnKey="" numDigits="1"/>', "12"),
        (f"{GATHER}/>", "1#2"),
        (f"{GATHER}/>", "1a"),
        ("<Hangup/>", "1"),
    ],
)
async def test_keys_nobody_takes_are_an_error(gather: str, keys: str) -> None:
    caller = calling(Carrier(gather))
    await caller.start()

    with pytest.raises(AssertionError):
        await caller.press(keys)


async def test_one_cannot_speak_to_a_gather_that_takes_keys_only() -> None:
    caller = calling(Carrier("<Gather/>"))
    await caller.start()

    with pytest.raises(AssertionError):
        await caller.say("您好")


async def test_silence_goes_on_with_the_next_verb_unless_empty_results_are_wanted() -> None:
    caller = calling(Carrier("<Gather><Say>您好</Say></Gather><Say>再见</Say>"))

    assert await caller.start() == "您好"
    assert await caller.silence() == "再见"
    assert caller.ended


async def test_a_redirect_is_followed_and_the_end_reported() -> None:
    carrier = Carrier("<Say>一</Say><Redirect>/ivr/twilio/step/2</Redirect>", "<Say>二</Say><Hangup/>")
    caller = calling(carrier)

    assert await caller.start() == "一\n二"
    assert [url.removeprefix("http://hotline.test/ivr/twilio/") for url, _ in carrier.forms] == [
        "incoming",
        "step/2",
        "status",
    ]


async def test_silence_after_the_beep_asks_no_action() -> None:
    carrier = Carrier('<Record action="/a"/><Say>没有听到</Say><Hangup/>')
    caller = calling(carrier)
    await caller.start()

    assert await caller.leave_message(0) == "没有听到"
    assert len(carrier.forms) == 2


async def test_a_message_longer_than_is_taken_is_an_error() -> None:
    caller = calling(Carrier('<Record maxLength="10"/>'))
    await caller.start()

    with pytest.raises(AssertionError):
        await caller.leave_message(11)


@pytest.mark.parametrize("document", ["<Record/>", "<Dial><Number>+8671512345</Number></Dial>", "<Enqueue>q</Enqueue>"])
async def test_a_script_in_a_queue_that_twilio_does_not_take_is_an_error(document: str) -> None:
    caller = calling(Carrier('<Enqueue waitUrl="/wait">q</Enqueue>', document))

    with pytest.raises(AssertionError):
        await caller.start()


async def test_one_waits_only_in_a_queue() -> None:
    caller = calling(Carrier("<Gather/>"))
    await caller.start()

    for act in (caller.wait, caller.talk, caller.nobody, caller.leave_message):
        with pytest.raises(AssertionError):
            await act()
