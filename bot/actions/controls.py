"""Words that steer the dialogue and mean the same at every step: 返回, 重来, 算了, 人工, 再说一遍, 确认…"""

import re
from typing import Dict, FrozenSet, Optional

from bot.actions.city import City

_NOISE = re.compile(r"[\s，。,.！!？?~～、；;：:…“”\"'‘’]+")
_SOFTENERS = re.compile(
    r"^(?:嗯+|呃+|啊|那个|那就|那|就|请|麻烦|我想|我要|帮我|给我)+|(?:吧|啊|呀|呢|哦|了吧|谢谢|一下)+$"
)

# The intents that mean the same as the phrases, for wordings that no list has.
INTENTS = {
    "affirm": "affirm",
    "deny": "deny",
    "go_back": "back",
    "start_over": "start_over",
    "withdraw": "cancel",
    "talk_to_human": "human",
    "repeat": "repeat",
}
LONGEST_CONTROL = 12
SURE_INTENT = 0.6


class Controls:
    """Recognises control phrases of `city/phrases.yml`."""

    def __init__(self, city: City) -> None:
        phrases = city.phrases
        names = [name for name, listed in phrases.items() if isinstance(listed, list) and name != "secrecy"]
        self._phrases: Dict[str, FrozenSet[str]] = {n: frozenset(map(tidy, phrases[n])) for n in names}
        self.fields: Dict[str, FrozenSet[str]] = {n: frozenset(words) for n, words in phrases["fields"].items()}

        self._secrecy = re.compile("|".join(phrases["secrecy"]))

    def asks_secrecy(self, text: str) -> bool:
        """Whether the citizen wants nobody but the hotline to know who they are."""
        return self._secrecy.search(text) is not None

    def means(self, text: str, *names: str) -> bool:
        """Whether the whole text is one of the phrases called `names`, with or without polite words around it."""
        whole = tidy(text)
        bare = _SOFTENERS.sub("", whole)
        return any(whole in self._phrases[name] or bare in self._phrases[name] for name in names)

    def control(self, text: str, intent: str, confidence: float) -> Optional[str]:
        """The control a text means: by phrase, or by a sure intent when the text is short; else None."""
        for name in ("human", "cancel", "start_over", "back", "repeat"):
            if self.means(text, name):
                return name
        if len(tidy(text)) <= LONGEST_CONTROL and confidence >= SURE_INTENT:
            return INTENTS.get(intent)
        return None

    def field_named(self, text: str) -> Optional[str]:
        """Which field of the order the citizen names, or None."""
        for field, words in self.fields.items():
            if any(word in text for word in words):
                return field
        return None


def tidy(text: str) -> str:
    """The text without space and punctuation, lower case."""
    return _NOISE.sub("", text).lower()
