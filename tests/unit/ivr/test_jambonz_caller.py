"""The tests' own telephone over jambonz refuses what jambonz refuses; otherwise its calls would prove nothing."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.jambonz import JambonzCaller
from tests.telephone import Doing

pytestmark = pytest.mark.unit

GATHER = {"verb": "gather", "actionHook": "/a", "input": ["digits", "speech"], "numDigits": 1}
NUMBER = {"verb": "gather", "actionHook": "/a", "input": ["digits"], "finishOnKey": "#"}
QUEUE = {"verb": "enqueue", "name": "q", "waitHook": "/wait", "actionHook": "/a"}


@dataclass
class Canned:
    text: str
    status_code: int = 200


class Carried:
    """Answers every post with the documents in order; remembers the bodies."""

    def __init__(self, *documents: Any, status: int = 200) -> None:
        self.documents = [Canned(json.dumps(document), status) for document in documents]
        self.bodies: list[tuple[str, dict[str, Any]]] = []

    async def post(self, url: str, body: str, headers: dict[str, str]) -> Canned:
        self.bodies.append((url.removeprefix("http://hotline.test"), json.loads(body)))
        return Canned("", 204) if url.endswith("/status") else self.documents.pop(0)


def calling(carried: Carried) -> JambonzCaller:
    return JambonzCaller(carried.post, "http://hotline.test")


@pytest.mark.parametrize(
    "document",
    [
        {"verb": "say", "text": "您好"},
        [{"verb": "speak", "text": "您好"}],
        [{"verb": "say"}],
        [{"verb": "say", "text": ""}],
        [{"verb": "say", "text": "长" * 4097}],
        [{"verb": "say", "text": "您好", "voice": "x"}],
        [{"verb": "gather", "timeout": "5"}],
        [{"verb": "gather", "say": {"words": "您好"}}],
        [{"verb": "enqueue"}],
        [{"verb": "config", "bargeIn": {"enable": True}}, GATHER],
    ],
)
async def test_a_document_jambonz_would_not_take_is_an_error(document: Any) -> None:
    with pytest.raises(AssertionError):
        await calling(Carried(document)).start()


@pytest.mark.parametrize("status", [302, 403, 422, 500])
async def test_any_status_but_200_is_an_error(status: int) -> None:
    with pytest.raises(AssertionError, match=str(status)):
        await calling(Carried([], status=status)).start()


@pytest.mark.parametrize(
    ("gather", "keys", "digits"),
    [(GATHER, "2", "2"), (GATHER, "#", "#"), (NUMBER, "139#", "139"), (NUMBER, "139", "139"), (NUMBER, "#", None)],
)
async def test_keys_are_handed_over_as_jambonz_does(gather: Any, keys: str, digits: str | None) -> None:
    carried = Carried([gather], [gather])
    caller = calling(carried)
    await caller.start()
    await caller.press(keys)

    assert carried.bodies[-1][1].get("digits") == digits


@pytest.mark.parametrize(("gather", "keys"), [(GATHER, "12"), (NUMBER, "1#2"), (NUMBER, "1a"), (QUEUE, "1")])
async def test_keys_nobody_takes_are_an_error(gather: Any, keys: str) -> None:
    caller = calling(Carried([gather], [{"verb": "say", "text": "请稍候"}]))
    await caller.start()

    with pytest.raises(AssertionError):
        await caller.press(keys)


async def test_one_cannot_speak_to_a_gather_that_takes_keys_only() -> None:
    caller = calling(Carried([NUMBER]))
    await caller.start()

    with pytest.raises(AssertionError):
        await caller.say("您好")


@pytest.mark.parametrize("verb", [GATHER, {"verb": "hangup"}, {"verb": "redirect", "actionHook": "/a"}])
async def test_a_script_in_a_queue_that_jambonz_does_not_take_is_an_error(verb: Any) -> None:
    with pytest.raises(AssertionError):
        await calling(Carried([QUEUE], [verb])).start()


async def test_an_answer_without_verbs_goes_on_with_the_next_verb() -> None:
    caller = calling(Carried([GATHER, {"verb": "say", "text": "再见"}], []))
    await caller.start()

    assert await caller.silence() == "再见"
    assert caller.doing is Doing.OVER


async def test_a_redirect_is_followed_and_the_end_reported() -> None:
    carried = Carried([{"verb": "say", "text": "一"}, {"verb": "redirect", "actionHook": "/b"}], [{"verb": "hangup"}])
    caller = calling(carried)

    assert await caller.start() == "一"
    assert [path for path, _ in carried.bodies] == ["/ivr/jambonz/incoming", "/b", "/ivr/jambonz/status"]
