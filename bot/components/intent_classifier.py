"""The intent of a message, with the ranking of the 22 categories beside it."""

from typing import Any, Dict, List, Optional

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
from sklearn.pipeline import Pipeline

from bot.actions.city import get_city
from bot.components.linear_text import log_probabilities, new_model

INTENT_RANKING = "intent_ranking"
CATEGORY_RANKING = "category_ranking"

# A message whose categories are together more probable than all small talk is a matter, however unsure which.
MATTER = 0.5


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class CitizenIntentClassifier(GraphComponent, IntentClassifier):
    """Sets `intent`, `intent_ranking` and `category_ranking`: `[["03", 0.91], …]`, all 22, summing to 1.

    Configuration: `C`, the inverse of the regularisation; `sharpness`, see `log_probabilities`; `longest_talk`, the
    number of characters above which a message is taken for a matter and not for small talk.
    """

    def __init__(
        self, config: Dict[str, Any], storage: ModelStorage, resource: Resource, model: Optional[Pipeline]
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._model = model
        self._category_of = {category.slug: category.id for category in get_city().categories}

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Rasa's hook: the values `config.yml` may change."""
        return {"C": 0.3, "sharpness": 6.0, "longest_talk": 60}

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "CitizenIntentClassifier":
        """Rasa's hook: an untrained component."""
        return cls(config, model_storage, resource, None)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from all examples that have an intent."""
        examples = [m for m in training_data.intent_examples if m.get(TEXT)]
        self._model = new_model(self._config["C"])
        self._model.fit([m.get(TEXT) for m in examples], [m.get(INTENT) for m in examples])
        with self._storage.write_to(self._resource) as folder:
            joblib.dump(self._model, folder / "intents.joblib")
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "CitizenIntentClassifier":
        """Rasa's hook: a trained component."""
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, joblib.load(folder / "intents.joblib"))

    def process(self, messages: List[Message]) -> List[Message]:
        """Classify messages in place."""
        for message in messages:
            text = message.get(TEXT)
            if text and self._model is not None:
                self._classify(message, text)
        return messages

    def _classify(self, message: Message, text: str) -> None:
        assert self._model is not None
        probabilities = np.exp(log_probabilities(self._model, text, self._config["sharpness"]))
        ranking = sorted(zip(self._model.classes_, map(float, probabilities)), key=lambda pair: -pair[1])
        categories = [(intent, p) for intent, p in ranking if intent in self._category_of]
        mass = sum(p for _, p in categories)
        if mass >= MATTER or len(text) > self._config["longest_talk"]:
            ranking = categories + [pair for pair in ranking if pair not in categories]
        named = [{"name": intent, "confidence": p} for intent, p in ranking]
        message.set(INTENT, named[0], add_to_output=True)
        message.set(INTENT_RANKING, named[:10], add_to_output=True)
        shares = [[self._category_of[intent], p / mass] for intent, p in categories]
        message.set(CATEGORY_RANKING, shares, add_to_output=True)
