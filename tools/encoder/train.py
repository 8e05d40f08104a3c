"""Fine-tuning the encoder on the project's sentences: `python train.py --out FILE.pt [--hold-out NAME,…]`."""

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from base import PADDING, chinese_pieces, load_base, tokenizer_of
from network import Network
from torch.nn import functional

from tools.corpus import Sentence, sentences

NATURES = ("咨询", "求助", "投诉", "举报", "建议", "表扬")
MOST_TOKENS = 128
BATCH = 32
RATE, HEAD_RATE = 8e-5, 1e-3
SMOOTHING = 0.1
NATURE_SHARE = 0.6
# A letter may begin with a title: in training, some lose the rest of the letter and some the title.
LONG, TITLE_WITHIN, TITLE_ONLY, TITLE_LOST = 120, 40, 0.15, 0.15
UNKNOWN_NATURE = -100


def shortened(text: str) -> str:
    """Now and then only a letter's title, or the letter without it."""
    title, mark, rest = text.partition("。")
    if len(text) <= LONG or not mark or len(title) > TITLE_WITHIN:
        return text
    chance = random.random()
    if chance < TITLE_ONLY:
        return title
    return rest if chance < TITLE_ONLY + TITLE_LOST else text


class Trainer:
    """The network with its optimiser, and the numbers of intents and natures."""

    def __init__(self, known: list[Sentence], epochs: int) -> None:
        self._known = known
        self._epochs = epochs
        base = load_base()
        self.kept = chinese_pieces(base)
        self.tokenizer = tokenizer_of(base, self.kept)
        self.tokenizer.enable_truncation(MOST_TOKENS)
        self.tokenizer.enable_padding(pad_id=PADDING, pad_to_multiple_of=8)
        self.intents = sorted({sentence.intent for sentence in known})
        self.network = Network(base, self.kept, len(self.intents), len(NATURES))
        counts = np.bincount([self.intents.index(s.intent) for s in known])
        weights = 1 / np.sqrt(counts)
        self._weights = torch.tensor(weights / weights.mean(), dtype=torch.float32)
        self._steps = epochs * (len(known) // BATCH + 1)
        self._optimiser = torch.optim.AdamW(self._groups(), fused=True)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._rate)

    def train(self) -> None:
        """All epochs, with a line of progress now and then."""
        began, done = time.monotonic(), 0
        self.network.train()
        for _ in range(self._epochs):
            for batch in self._batches():
                loss = self._step(batch)
                done += 1
                if done % 50 == 0:
                    print(f"{done}/{self._steps} loss {loss:.3f} {time.monotonic() - began:.0f} s", flush=True)

    def predict(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Logarithms of the probabilities of intents and natures."""
        self.network.eval()
        rows = []
        with torch.no_grad():
            for start in range(0, len(texts), BATCH):
                ids, mask = self._tensors(texts[start : start + BATCH])
                rows.append([part.numpy() for part in self.network(ids, mask)[1:]])
        return np.concatenate([row[0] for row in rows]), np.concatenate([row[1] for row in rows])

    def _step(self, batch: list[Sentence]) -> float:
        ids, mask = self._tensors([shortened(sentence.text) for sentence in batch])
        intents = torch.tensor([self.intents.index(sentence.intent) for sentence in batch])
        natures = torch.tensor([NATURES.index(s.nature) if s.nature else UNKNOWN_NATURE for s in batch])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            _, told_intents, told_natures = self.network(ids, mask)
        loss = functional.cross_entropy(told_intents, intents, self._weights, label_smoothing=SMOOTHING)
        if (natures >= 0).any():
            loss = loss + NATURE_SHARE * functional.cross_entropy(told_natures, natures, label_smoothing=SMOOTHING)
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        return loss.item()

    def _batches(self) -> Iterator[list[Sentence]]:
        """Everything once, in random order, with sentences of like length together."""
        order = random.sample(self._known, len(self._known))
        pools = [sorted(order[i : i + BATCH * 50], key=lambda s: len(s.text)) for i in range(0, len(order), BATCH * 50)]
        batches = [pool[i : i + BATCH] for pool in pools for i in range(0, len(pool), BATCH)]
        yield from random.sample(batches, len(batches))

    def _tensors(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        encodings = self.tokenizer.encode_batch(texts)
        ids = torch.tensor([encoding.ids for encoding in encodings])
        return ids, torch.tensor([encoding.attention_mask for encoding in encodings]).bool()

    def _groups(self) -> list[dict[str, object]]:
        heads = [*self.network.intent.parameters(), *self.network.nature.parameters()]
        body = [p for name, p in self.network.named_parameters() if not name.startswith(("intent.", "nature."))]
        return [
            {"params": [p for p in body if p.dim() > 1], "lr": RATE, "weight_decay": 0.01},
            {"params": [p for p in body if p.dim() <= 1], "lr": RATE, "weight_decay": 0.0},
            {"params": heads, "lr": HEAD_RATE, "weight_decay": 0.01},
        ]

    def _rate(self, step: int) -> float:
        return min(1.0, (step + 1) / (0.06 * self._steps)) * max(0.02, 1 - step / self._steps)


def main() -> None:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--hold-out", default="", help="names of files in bot/data/nlu, without .yml, by commas")
    parser.add_argument("--first", type=int, help="only so many sentences, for trying")
    arguments = parser.parse_args()
    random.seed(0)
    torch.manual_seed(0)
    held_names = set(filter(None, arguments.hold_out.split(",")))
    everything = sentences()
    known = [sentence for sentence in everything if sentence.file.stem not in held_names]
    held = [sentence for sentence in everything if sentence.file.stem in held_names]
    trainer = Trainer(random.sample(known, arguments.first) if arguments.first else known, arguments.epochs)
    trainer.train()
    if held:
        told, _ = trainer.predict([sentence.text for sentence in held])
        right = [trainer.intents[row.argmax()] == sentence.intent for row, sentence in zip(told, held, strict=True)]
        print(f"held-out writers: {np.mean(right):.3f} of {len(held)} intents right")
    kept = {"network": trainer.network.state_dict(), "intents": trainer.intents, "natures": list(NATURES)}
    torch.save(kept, arguments.out)


if __name__ == "__main__":
    main()
