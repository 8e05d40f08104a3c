"""What a citizen's message is: its intent, the ranking of the 22 categories, the nature of the request, its matters."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

import joblib
import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.actions.city import get_city
from bot.components.encoder import Encoder
from bot.components.matters import Ranking, matters
from bot.components.mixture import INTENT, NATURE, Mixture, Shares, prior_of, ranked
from bot.components.ngrams import NgramClassifier
from bot.script import simplified

INTENT_RANKING = "intent_ranking"
CATEGORY_RANKING = "category_ranking"
DANGER = "danger"
MATTERS = "matters"
EMERGENCY = "emergency"

# A message whose categories are together more probable than all small talk is a matter, however unsure which.
MATTER = 0.5
SHOWN_INTENTS = 10


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class CitizenClassifier(GraphComponent, IntentClassifier):
    """Sets on a message:

    `intent`, `intent_ranking`;
    `category_ranking`: `[["03", 0.91], …]`, all 22, summing to 1;
    `nature`: 咨询 求助 投诉 举报 建议 表扬;
    `danger`: the probability that somebody is in danger now;
    `matters`: `[{"text", "category_ranking", "nature"}, …]` when the message holds more than one, else empty.

    Two views of the text are mixed: n-grams, learned here from the training data (the nature from the intents'
    metadata, `metadata: {nature: 投诉}`), and the sentence encoder, which comes trained. Examples with
    `metadata: {history: true}` are an operator's past orders: they also tell how common each category is.
    Configuration:

        C: 0.3                  # of the n-grams' support vector machines
        sharpness: 5.0          # what makes their margins logarithms of probabilities
        encoder_weight: 0.4     # the encoder's share in the mixture of logarithms
        opening_weight: 0.3     # the share of a letter's first sentence alone, beside the whole letter
        longest_talk: 60        # characters; a longer message is a matter and not small talk
    """

    def __init__(
        self, config: Dict[str, Any], storage: ModelStorage, resource: Resource, mixture: Optional[Mixture]
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._mixture = mixture
        self._category_of = {category.slug: category.id for category in get_city().categories}

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Rasa's hook: the values `config.yml` may change."""
        return {"C": 0.3, "sharpness": 5.0, "encoder_weight": 0.4, "opening_weight": 0.3, "longest_talk": 60}

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "CitizenClassifier":
        """Rasa's hook: an untrained component."""
        return cls(config, model_storage, resource, None)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from all examples that have an intent."""
        examples = [m for m in training_data.intent_examples if m.get(TEXT)]
        answers: Dict[str, Sequence[Optional[str]]] = {
            INTENT: [m.get(INTENT) for m in examples],
            NATURE: [_metadata(m).get(NATURE) for m in examples],
        }
        ngrams = NgramClassifier(self._config["C"]).fit([simplified(m.get(TEXT)) for m in examples], answers)
        prior = prior_of([m.get(INTENT) for m in examples if _metadata(m).get("history")])
        with self._storage.write_to(self._resource) as folder:
            joblib.dump((ngrams, prior), folder / "learned.joblib")
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "CitizenClassifier":
        """Rasa's hook: a trained component."""
        with model_storage.read_from(resource) as folder:
            ngrams, prior = joblib.load(folder / "learned.joblib")
        shares = Shares(config["sharpness"], config["encoder_weight"], config["opening_weight"])
        return cls(config, model_storage, resource, Mixture(ngrams, Encoder(), shares, prior))

    def process(self, messages: List[Message]) -> List[Message]:
        """Classify messages in place."""
        told = [message for message in messages if message.get(TEXT)]
        if told and self._mixture is not None:
            self._classify(told, self._mixture)
        return messages

    def _classify(self, messages: List[Message], mixture: Mixture) -> None:
        found = mixture.probabilities([message.get(TEXT) for message in messages])
        for message, intents, natures in zip(messages, found[INTENT], found[NATURE]):
            self._set_intent(message, intents, mixture)
            message.set(NATURE, _likeliest(natures, mixture), add_to_output=True)
            message.set(MATTERS, self._matters(message, mixture), add_to_output=True)

    def _set_intent(self, message: Message, intents: np.ndarray, mixture: Mixture) -> None:
        ranking = ranked(mixture.classes[INTENT], intents)
        categories = [pair for pair in ranking if pair[0] in self._category_of]
        mass = sum(p for _, p in categories)
        if mass >= MATTER or len(message.get(TEXT)) > self._config["longest_talk"]:
            ranking = categories + [pair for pair in ranking if pair[0] not in self._category_of]
        named = [{"name": intent, "confidence": p} for intent, p in ranking]
        message.set(INTENT, named[0], add_to_output=True)
        message.set(INTENT_RANKING, named[:SHOWN_INTENTS], add_to_output=True)
        message.set(CATEGORY_RANKING, self._categories(intents, mixture), add_to_output=True)
        message.set(DANGER, dict(ranking).get(EMERGENCY, 0.0), add_to_output=True)

    def _categories(self, intents: np.ndarray, mixture: Mixture) -> List[Any]:
        ranking = [(c, p) for c, p in ranked(mixture.classes[INTENT], intents) if c in self._category_of]
        mass = sum(p for _, p in ranking)
        return [[self._category_of[intent], p / mass] for intent, p in ranking]

    def _matters(self, message: Message, mixture: Mixture) -> List[Dict[str, Any]]:
        if message.get(INTENT)["name"] not in self._category_of:
            return []

        known: Dict[str, Tuple[np.ndarray, np.ndarray]] = {}

        def rankings(parts: Sequence[str]) -> List[Ranking]:
            found = mixture.probabilities(parts)
            known.update(zip(parts, zip(found[INTENT], found[NATURE])))
            return [self._categories(known[part][0], mixture) for part in parts]

        parts = matters(message.get(TEXT), rankings)
        if len(parts) == 1:
            return []
        if joined := [part for part in parts if part not in known]:
            rankings(joined)
        return [
            {
                "text": part,
                CATEGORY_RANKING: self._categories(known[part][0], mixture),
                NATURE: _likeliest(known[part][1], mixture),
            }
            for part in parts
        ]


def _likeliest(natures: np.ndarray, mixture: Mixture) -> str:
    return mixture.classes[NATURE][int(natures.argmax())]


def _metadata(example: Message) -> Dict[str, Any]:
    """The metadata its intent has in the training data."""
    metadata = example.get("metadata") or {}
    found = metadata.get("intent") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}
