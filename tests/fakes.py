"""Stand-ins for what a unit test cannot have; each one is as strict as the real thing."""

from collections import defaultdict
from datetime import datetime, timedelta

from intake.bot import BotUnavailable
from intake.messages import Answer, InboundMessage, Reply


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


class FakeBot:
    """Answers with what is queued, else with an echo; remembers what it was asked; fails while `down`."""

    def __init__(self) -> None:
        self.asked: list[InboundMessage] = []
        self.told_emergency: list[bool] = []
        self.down = False
        self._queued: dict[str, list[Answer]] = defaultdict(list)

    def will_answer(self, text: str, answer: Answer) -> None:
        """The answer to the next message with this text."""
        self._queued[text].append(answer)

    async def ask(self, message: InboundMessage, *, emergency_told: bool, is_repeat: bool) -> Answer:
        """The bot's answer."""
        self.asked.append(message)
        self.told_emergency.append(emergency_told)
        if self.down:
            raise BotUnavailable("down")
        queued = self._queued[message.text]
        return queued.pop(0) if queued else Answer((Reply(f"听到了：{message.text}"),))

    async def is_ready(self) -> bool:
        """Whether it would answer now."""
        return not self.down
