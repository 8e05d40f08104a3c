"""诉求性质 of a message: 咨询, 求助, 投诉, 举报, 建议 or 表扬."""

from typing import Any, Dict, List, Optional

import joblib
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from sklearn.pipeline import Pipeline

from bot.components.linear_text import new_model

NATURE = "nature"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class NatureClassifier(GraphComponent):
    """Sets `nature`, learned from the intents' metadata in the training data:

    - intent: environment
      metadata: {nature: 投诉}
      examples: | …
    """

    def __init__(
        self, config: Dict[str, Any], storage: ModelStorage, resource: Resource, model: Optional[Pipeline]
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._model = model

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Rasa's hook: the values `config.yml` may change."""
        return {"C": 0.3}

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "NatureClassifier":
        """Rasa's hook: an untrained component."""
        return cls(config, model_storage, resource, None)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from all examples whose intent has a nature in its metadata."""
        labelled = [(m.get(TEXT), nature_of(m)) for m in training_data.intent_examples if nature_of(m)]
        self._model = new_model(self._config["C"])
        self._model.fit([text for text, _ in labelled], [nature for _, nature in labelled])
        with self._storage.write_to(self._resource) as folder:
            joblib.dump(self._model, folder / "natures.joblib")
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "NatureClassifier":
        """Rasa's hook: a trained component."""
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, joblib.load(folder / "natures.joblib"))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Rasa's hook: nothing later in the pipeline learns from the nature."""
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the nature of messages in place."""
        for message in messages:
            text = message.get(TEXT)
            if text and self._model is not None:
                message.set(NATURE, str(self._model.predict([text])[0]), add_to_output=True)
        return messages


def nature_of(example: Message) -> Optional[str]:
    """The nature in an example's metadata, or None."""
    metadata = example.get("metadata") or {}
    intent = metadata.get("intent") if isinstance(metadata, dict) else None
    return intent.get(NATURE) if isinstance(intent, dict) else None
