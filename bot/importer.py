"""Rasa's training data, read quickly: Rasa's own reader parses every file several times in pure Python, for a minute.

Named in `config.yml` under `importers`. Sentences are files in a folder `nlu` and `history.yml`; all others hold rules.
"""

from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Union

import yaml
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

HISTORY = "history.yml"


class SentencesImporter(RasaFileImporter):
    """Rasa's importer with another reader of sentences. They are taken as they stand: brackets mark no entities."""

    def __init__(
        self,
        config_file: Optional[str] = None,
        domain_path: Optional[str] = None,
        training_data_paths: Optional[Union[List[str], str]] = None,
    ) -> None:
        given = [training_data_paths] if isinstance(training_data_paths, str) else training_data_paths or []
        files = sorted(str(path) for one in given for path in _files(Path(one)))
        self._nlu_files = [path for path in files if _holds_sentences(Path(path))]
        self._story_files = [path for path in files if path not in self._nlu_files]
        self._conversation_test_files: List[str] = []
        self._domain_path = domain_path
        self.config_file = config_file

    def get_nlu_data(self, language: Optional[str] = "en") -> TrainingData:
        """All sentences with their intents and what the block says of them."""
        return TrainingData([message for path in self._nlu_files for message in _messages(Path(path))])


def _files(path: Path) -> Iterator[Path]:
    return iter([path]) if path.is_file() else path.rglob("*.yml")


def _holds_sentences(path: Path) -> bool:
    return path.name == HISTORY or "nlu" in path.parts


def _messages(path: Path) -> Iterator[Message]:
    blocks: List[Dict[str, Any]] = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)["nlu"]
    for block in blocks:
        for text in _texts(block["examples"]):
            yield Message.build(text=text, intent=block["intent"], intent_metadata=block.get("metadata"))


def _texts(examples: Union[str, List[Dict[str, str]]]) -> Iterator[str]:
    """One sentence a line after a dash, or a list of `{text: …}`."""
    if isinstance(examples, str):
        return (line[2:].strip() for line in examples.splitlines() if line.startswith("- "))
    return (example["text"] for example in examples)
