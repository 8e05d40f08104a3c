"""What a citizen's message is: its intent, the ranking of the 22 categories, and the nature of the request."""

import re
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import joblib
import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.actions.city import get_city
from bot.components.encoder import Encoder
from bot.components.ngrams import NgramClassifier

INTENT_RANKING = "intent_ranking"
CATEGORY_RANKING = "category_ranking"
NATURE = "nature"

# A message whose categories are together more probable than all small talk is a matter, however unsure which.
MATTER = 0.5
SHOWN_INTENTS = 10

SHORTEST_LETTER = 60
_OPENING = re.compile(r"(?!尊敬|敬爱|您好|你好|各位|领导)([^。！？!?\n]{5,40}[。！？!?])")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class CitizenClassifier(GraphComponent, IntentClassifier):
    """Sets `intent`, `intent_ranking`, `category_ranking` (`[["03", 0.91], …]`, all 22, summing to 1) and `nature`.

    Two views of the text are mixed: n-grams, learned here from the training data (the nature from the intents'
    metadata, `metadata: {nature: 投诉}`), and the sentence encoder, which comes trained. Configuration:

        C: 0.3                  # of the n-grams' support vector machines
        sharpness: 8.0          # what makes their margins logarithms of probabilities
        encoder_weight: 0.4     # the encoder's share in the mixture of logarithms
        opening_weight: 0.3     # the share of a letter's first sentence alone, beside the whole letter
        longest_talk: 60        # characters; a longer message is a matter and not small talk
    """

    def __init__(
        self, config: Dict[str, Any], storage: ModelStorage, resource: Resource, model: Optional[NgramClassifier]
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._model = model
        self._encoder = Encoder()
        self._category_of = {category.slug: category.id for category in get_city().categories}

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Rasa's hook: the values `config.yml` may change."""
        return {"C": 0.3, "sharpness": 8.0, "encoder_weight": 0.4, "opening_weight": 0.3, "longest_talk": 60}

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
            NATURE: [nature_of(m) for m in examples],
        }
        self._model = NgramClassifier(self._config["C"]).fit([m.get(TEXT) for m in examples], answers)
        with self._storage.write_to(self._resource) as folder:
            joblib.dump(self._model, folder / "ngrams.joblib")
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
            return cls(config, model_storage, resource, joblib.load(folder / "ngrams.joblib"))

    def process(self, messages: List[Message]) -> List[Message]:
        """Classify messages in place."""
        told = [message for message in messages if message.get(TEXT)]
        if told and self._model is not None:
            self._classify(told, self._model)
        return messages

    def _classify(self, messages: List[Message], model: NgramClassifier) -> None:
        texts = [message.get(TEXT) for message in messages]
        for message, text, (intents, natures) in zip(messages, texts, self._probabilities(texts, model)):
            self._set_intent(message, text, dict(zip(model.classes[INTENT], map(float, intents))))
            message.set(NATURE, model.classes[NATURE][int(natures.argmax())], add_to_output=True)

    def _probabilities(self, texts: List[str], model: NgramClassifier) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
        """For each text the probabilities of `model.classes`: the intents, and the natures."""
        openings = [opening(text) for text in texts]
        views = [*texts, *filter(None, openings)]
        margins, encoded = model.margins(views), self._encoder.encode(views)
        intents = self._mixed(margins[INTENT], model.classes[INTENT], encoded.intents, self._encoder.intents)
        natures = self._mixed(margins[NATURE], model.classes[NATURE], encoded.natures, self._encoder.natures)
        share, place = self._config["opening_weight"], len(texts)
        for row, start in enumerate(openings):
            both = [intents[row : row + 1], natures[row : row + 1]]
            if start is not None:
                alone = (intents[place : place + 1], natures[place : place + 1])
                both = [(1 - share) * whole + share * part for whole, part in zip(both, alone)]
                place += 1
            yield np.exp(log_softmax(both[0]))[0], np.exp(log_softmax(both[1]))[0]

    def _mixed(
        self, margins: np.ndarray, classes: Sequence[str], encoded: np.ndarray, encoder_classes: Sequence[str]
    ) -> np.ndarray:
        """Logarithms of the probabilities of `classes`. A class the encoder does not know gets its lowest value."""
        place = {name: i for i, name in enumerate(encoder_classes)}
        lowest = encoded.min(axis=1)
        aligned = np.stack([encoded[:, place[c]] if c in place else lowest for c in classes], axis=1)
        share = self._config["encoder_weight"]
        return log_softmax(share * aligned + (1 - share) * log_softmax(margins * self._config["sharpness"]))

    def _set_intent(self, message: Message, text: str, probabilities: Dict[str, float]) -> None:
        ranking = sorted(probabilities.items(), key=lambda pair: -pair[1])
        categories = [(intent, p) for intent, p in ranking if intent in self._category_of]
        mass = sum(p for _, p in categories)
        if mass >= MATTER or len(text) > self._config["longest_talk"]:
            ranking = categories + [pair for pair in ranking if pair[0] not in self._category_of]
        named = [{"name": intent, "confidence": p} for intent, p in ranking]
        message.set(INTENT, named[0], add_to_output=True)
        message.set(INTENT_RANKING, named[:SHOWN_INTENTS], add_to_output=True)
        shares = [[self._category_of[intent], p / mass] for intent, p in categories]
        message.set(CATEGORY_RANKING, shares, add_to_output=True)


def opening(text: str) -> Optional[str]:
    """The first sentence of a letter when it is like a title: short, and no form of address; else None."""
    found = _OPENING.match(text) if len(text) > SHORTEST_LETTER else None
    return found.group(1) if found else None


def log_softmax(values: np.ndarray) -> np.ndarray:
    """The rows as logarithms of probabilities."""
    return np.asarray(values - np.logaddexp.reduce(values, axis=1, keepdims=True))


def nature_of(example: Message) -> Optional[str]:
    """The nature in an example's metadata, or None."""
    metadata = example.get("metadata") or {}
    intent = metadata.get("intent") if isinstance(metadata, dict) else None
    return intent.get(NATURE) if isinstance(intent, dict) else None
