"""The entities of a message as Rasa has them: area, place, time, phone, company, credit code and more."""

from typing import Any, Dict, List

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.actions.city import get_city
from bot.actions.entities import entities


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class EntityReader(GraphComponent, EntityExtractorMixin):
    """Adds what `bot.actions.entities` finds to `entities`; positions are those of the message's text."""

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "EntityReader":
        """Rasa's hook."""
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Find entities in place."""
        for message in messages:
            found = [
                {"entity": entity.type, "start": entity.start, "end": entity.end, "value": entity.value}
                for entity in entities(message.get(TEXT) or "", get_city())
            ]
            known = message.get(ENTITIES, [])
            message.set(ENTITIES, known + self.add_extractor_name(found), add_to_output=True)
        return messages
