"""What a sentence means, from a small transformer: multilingual-e5-small, fine-tuned on this project's sentences.

`bot/encoder/` holds it: `model.onnx` (8 bit), `tokenizer.json`, and `labels.json` with the names of its outputs.
`tools/encoder/` makes it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

FOLDER = Path(__file__).resolve().parents[1] / "encoder"
# A letter's title and first sentences say what it is about; the rest costs time in proportion.
MOST_TOKENS = 128
BATCH = 16


@dataclass(frozen=True)
class Encoded:
    """Rows for the texts: `vectors` (384), and the logarithms of the probabilities of intents and natures."""

    vectors: np.ndarray
    intents: np.ndarray
    natures: np.ndarray


class Encoder:
    """The encoder in a folder. Raises FileNotFoundError naming the missing file."""

    def __init__(self, folder: Path = FOLDER, threads: int = 2) -> None:
        labels = json.loads((folder / "labels.json").read_text("utf-8"))
        self.intents: Tuple[str, ...] = tuple(labels["intents"])
        self.natures: Tuple[str, ...] = tuple(labels["natures"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.enable_padding(pad_id=labels["padding"], pad_to_multiple_of=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Encode texts, in their order."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows: List[Tuple[np.ndarray, np.ndarray, np.ndarray]] = [()] * len(texts)  # type: ignore[list-item]
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            for i, *row in zip(batch, *self._run([texts[i] for i in batch])):
                rows[i] = (row[0], row[1], row[2])
        vectors, intents, natures = (np.stack(column) for column in zip(*rows))
        return Encoded(vectors, intents, natures)

    def _run(self, texts: List[str]) -> List[np.ndarray]:
        encodings = self._tokenizer.encode_batch(texts)
        ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=bool)
        outputs: List[np.ndarray] = self._session.run(["vectors", "intents", "natures"], {"ids": ids, "mask": mask})
        return outputs
