"""What a sentence means, as a vector: multilingual-e5-small, cut to Chinese and trained for questions and answers.

`knowledge/encoder/` holds it: `model.onnx` (8 bit) and `tokenizer.json`. `tools/encoder/` makes it.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

FOLDER = Path(__file__).resolve().parents[1] / "encoder"
SIZE = 384
PADDING = 1
MOST_TOKENS = 96
"""A question and the beginning of an answer; the rest costs time in proportion."""
BATCH = 32

Vectors = npt.NDArray[np.float32]


class Encoder:
    """The encoder in a folder. Raises FileNotFoundError naming the missing file."""

    def __init__(self, folder: Path = FOLDER, threads: int = 2) -> None:
        self._model, vocabulary = folder / "model.onnx", folder / "tokenizer.json"
        for file in (self._model, vocabulary):
            if not file.exists():
                raise FileNotFoundError(file)
        self._tokenizer = Tokenizer.from_file(str(vocabulary))
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.enable_padding(pad_id=PADDING, pad_to_multiple_of=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(self._model), options)

    @cached_property
    def mark(self) -> str:
        """Tells this encoder's vectors from another's."""
        return hashlib.sha256(self._model.read_bytes()).hexdigest()[:16]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 for each text, in their order."""
        rows = np.empty((len(texts), SIZE), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            encodings = self._tokenizer.encode_batch([texts[i] for i in batch])
            ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
            mask = np.array([encoding.attention_mask for encoding in encodings], dtype=bool)
            made: Any = self._session.run(["vectors"], {"ids": ids, "mask": mask})[0]
            rows[batch] = made
        return rows


@lru_cache(maxsize=1)
def get_encoder() -> Encoder:
    """The encoder of this process."""
    return Encoder()
