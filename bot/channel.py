"""Rasa's door for our intake, and the repair of its slowest habit."""

import asyncio
import hmac
import logging
from typing import Any, Awaitable, Callable, Dict, List, Optional

from jsonschema import Draft202012Validator
from rasa.core.actions.action import RemoteAction
from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.core.events import BotUttered, Event, UserUttered
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

logger = logging.getLogger(__name__)


class HotlineInput(InputChannel):
    """`POST /webhooks/hotline/webhook`: one message in, all of its answers out.

    Credentials in `credentials.yml`:

        bot.channel.HotlineInput:
          token: ${HOTLINE_SERVICE_TOKEN}

    A message that may be a repeat (`is_repeat`) and that the conversation has seen is not processed again: its recorded
    answers are returned.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    @classmethod
    def name(cls) -> str:
        """The channel's part of the URL."""
        return "hotline"

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[str, Any]]) -> "HotlineInput":
        """The channel with its token; a missing token stops the start."""
        token = str((credentials or {}).get("token") or "")
        if not token or token.startswith("$"):
            raise ValueError("credentials.yml: bot.channel.HotlineInput needs a token; set HOTLINE_SERVICE_TOKEN")
        return cls(token)

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The channel's routes."""
        routes = Blueprint("hotline_webhook", __name__)

        @routes.route("/", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            ready = request.app.ctx.agent is not None and request.app.ctx.agent.is_ready()
            return response.json({"status": "ok" if ready else "loading"}, 200 if ready else 503)

        @routes.route("/webhook", methods=["POST"])
        async def receive(request: Request) -> HTTPResponse:
            if not hmac.compare_digest(f"Bearer {self._token}", request.headers.get("Authorization", "")):
                return response.json({"error": "Authorization: wrong or missing token"}, 403)
            body = request.json
            # Looking into the tracker costs as much as a small turn, and a new message cannot be there.
            if body["is_repeat"]:
                recorded = await _recorded_answers(request.app.ctx.agent, body["sender"], body["message_id"])
                if recorded is not None:
                    return response.json(recorded)
            collector = _Collector(body["channel"])
            message = UserMessage(
                harmless(body["message"]),
                collector,
                body["sender"],
                input_channel=body["channel"],
                message_id=body["message_id"],
                metadata=body["metadata"],
            )
            # The turn is finished even if the intake stops waiting: a half-processed turn would be lost.
            await asyncio.shield(asyncio.ensure_future(on_new_message(message)))
            return response.json(collector.messages)

        return routes


class _Collector(CollectingOutputChannel):
    """Collects the answers of one turn; its name decides which form of a response is said (`channel: phone`)."""

    def __init__(self, channel: str) -> None:
        super().__init__()
        self._channel = channel

    def name(self) -> str:
        return self._channel


def harmless(text: str) -> str:
    """The text so that Rasa cannot take it for a command: a leading slash would name an intent or restart."""
    return "／" + text[1:] if text.startswith("/") else text


async def _recorded_answers(agent: Any, sender: str, message_id: str) -> Optional[List[Dict[str, Any]]]:
    """What was answered to a message that the conversation has seen, or None for a new one."""
    tracker = await agent.tracker_store.retrieve(sender)
    if tracker is None:
        return None
    return answers_to(list(tracker.events), message_id)


def answers_to(events: List[Event], message_id: str) -> Optional[List[Dict[str, Any]]]:
    """The bot's messages between the citizen's message with this id and the next one, or None."""
    for position, event in enumerate(events):
        if isinstance(event, UserUttered) and event.message_id == message_id:
            return [message for following in _turn(events[position + 1 :]) for message in _messages(following)]
    return None


def _turn(events: List[Event]) -> List[BotUttered]:
    bot = []
    for event in events:
        if isinstance(event, UserUttered):
            break
        if isinstance(event, BotUttered):
            bot.append(event)
    return bot


def _messages(event: BotUttered) -> List[Dict[str, Any]]:
    data = event.data or {}
    messages: List[Dict[str, Any]] = []
    if event.text:
        messages.append({"text": event.text, "buttons": data.get("buttons") or []})
    if data.get("custom"):
        messages.append({"custom": data["custom"]})
    return messages


def _check_with_one_validator() -> None:
    """Make Rasa check action results with one validator kept for good.

    `jsonschema.validate`, as Rasa calls it, checks the schema itself every time: some 35 ms an action call.
    """
    validator = Draft202012Validator(RemoteAction.action_response_format_spec())

    def check(_: RemoteAction, result: Dict[str, Any]) -> bool:
        validator.validate(result)
        return True

    RemoteAction._validate_action_result = check


_check_with_one_validator()
