"""Training the knowledge base's encoder: `python retrieval.py --out FILE.pt [--start FILE.pt] [--hold-out STEM,…]`.

Two texts that belong together come near each other, and the others of the batch are pushed away (InfoNCE):

- two ways of asking for the same entry of `city/knowledge/`, or one and the entry's gist; one of them now and
  then with a slip of the ear or the finger;
- a few sentences of a letter of `bot/data/nlu/letters/` and the rest of it.
"""

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import yaml
from base import PADDING, chinese_pieces, load_base, tokenizer_of
from network import Network
from pypinyin import lazy_pinyin
from torch.nn import functional

from tools.corpus import DATA, sentences

ENTRIES = Path(__file__).resolve().parents[2] / "city" / "knowledge"
MOST_TOKENS = 64
ASKED_BATCH, LETTER_BATCH = 64, 24
LETTERS_SHARE, GIST_SHARE = 0.15, 0.2
FROZEN_LAYERS = 6
"""The lower layers stay as they are when a training goes on from another: half the time, and little is lost."""
RATE = 3e-5
TEMPERATURE = 0.05
SLIP = 0.25
SHORTEST_LETTER = 60
Pair = tuple[str, str]


class Slips:
    """Slips of the ear and of the finger: a character that sounds the same, one too few, one twice."""

    def __init__(self, texts: list[str]) -> None:
        sounding: dict[str, set[str]] = defaultdict(set)
        for character in {c for text in texts for c in text if "\u4e00" <= c <= "\u9fff"}:
            sounding[lazy_pinyin(character)[0]].add(character)
        self._alike = {c: sorted(same - {c}) for same in sounding.values() for c in same if len(same) > 1}

    def of(self, text: str) -> str:
        """The text, now and then with one or two slips."""
        if random.random() > SLIP or len(text) < 5:
            return text
        characters = list(text)
        for _ in range(random.choice((1, 1, 2))):
            i = random.randrange(len(characters))
            kind = random.random()
            if kind < 0.7 and characters[i] in self._alike:
                characters[i] = random.choice(self._alike[characters[i]])
            elif kind < 0.9:
                characters[i] = ""
            else:
                characters[i] *= 2
        return "".join(characters)


def entries(without: set[str]) -> list[list[str]]:
    """For each entry its ways of asking, and last its gist; entries of one file stand together."""
    files = [path for path in sorted(ENTRIES.glob("*.yml")) if path.stem not in without]
    listed = [entry for path in files for entry in yaml.safe_load(path.read_text("utf-8")).get("entries", [])]
    return [[e["question"], *e.get("asked", ()), f"{e['question']}。{e['short']}"] for e in listed]


def letters() -> list[str]:
    """Texts long enough to be parted."""
    return [s.text for s in sentences(DATA) if len(s.text) >= SHORTEST_LETTER]


def parted(letter: str) -> Pair:
    """One to three neighbouring sentences of a letter, and what is left of it."""
    parts = [part for part in letter.replace("！", "。").replace("？", "。").split("。") if part.strip()]
    if len(parts) < 2:
        return letter[: len(letter) // 3], letter[len(letter) // 3 :]
    size = min(random.choice((1, 1, 2, 3)), len(parts) - 1)
    start = random.randrange(len(parts) - size + 1)
    return "。".join(parts[start : start + size]), "。".join(parts[:start] + parts[start + size :])


class Trainer:
    """The network with its optimiser."""

    def __init__(self, asked: list[list[str]], written: list[str], epochs: int, start: Path | None) -> None:
        self._asked, self._written = asked, written
        self._slips = Slips([text for entry in asked for text in entry])
        base = load_base()
        kept = chinese_pieces(base)
        self._tokenizer = tokenizer_of(base, kept)
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.enable_padding(pad_id=PADDING, pad_to_multiple_of=8)
        self.network = Network(base, kept, 1, 1)
        if start is not None:
            self.network.load_state_dict(torch.load(start, weights_only=True)["network"])
            for part in (self.network.word, self.network.pos, self.network.eln, *self.network.layers[:FROZEN_LAYERS]):
                part.requires_grad_(False)
        self._steps = epochs * max(1, sum(len(e) for e in asked) // ASKED_BATCH)
        self._optimiser = torch.optim.AdamW(
            [p for p in self.network.parameters() if p.requires_grad], lr=RATE, weight_decay=0.01, fused=True
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._rate)

    def train(self) -> None:
        """All steps, with a line of progress now and then."""
        began, losses = time.monotonic(), []
        self.network.train()
        for step, pairs in enumerate(self._batches(), start=1):
            losses.append(self._step(pairs))
            if step % 10 == 0:
                print(
                    f"{step}/{self._steps} loss {np.mean(losses[-10:]):.3f} {time.monotonic() - began:.0f} s",
                    flush=True,
                )

    def _batches(self) -> Iterator[list[Pair]]:
        for _ in range(self._steps):
            chance = random.random()
            if chance < LETTERS_SHARE:
                yield [parted(letter) for letter in random.sample(self._written, LETTER_BATCH)]
            else:
                yield list(self._asked_pairs(with_gist=chance < LETTERS_SHARE + GIST_SHARE))

    def _asked_pairs(self, with_gist: bool) -> Iterator[Pair]:
        """Half of them neighbours of one file, which are hard to tell apart, half from anywhere."""
        start = random.randrange(max(1, len(self._asked) - ASKED_BATCH // 2))
        near = list(range(start, min(len(self._asked), start + ASKED_BATCH // 2)))
        elsewhere = [i for i in range(len(self._asked)) if i not in near]
        far = random.sample(elsewhere, min(len(elsewhere), ASKED_BATCH - len(near)))
        for i in near + far:
            *ways, gist = self._asked[i]
            one, other = random.sample(ways, 2)
            yield self._slips.of(one), gist if with_gist else other

    def _step(self, pairs: list[Pair]) -> float:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            one, other = (self._vectors([pair[side] for pair in pairs]) for side in (0, 1))
        alike = one @ other.T / TEMPERATURE
        same = torch.arange(len(pairs))
        loss = (functional.cross_entropy(alike, same) + functional.cross_entropy(alike.T, same)) / 2
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        return loss.item()

    def _vectors(self, texts: list[str]) -> torch.Tensor:
        encodings = self._tokenizer.encode_batch(texts)
        ids = torch.tensor([encoding.ids for encoding in encodings])
        mask = torch.tensor([encoding.attention_mask for encoding in encodings]).bool()
        return functional.normalize(self.network(ids, mask)[0].float(), dim=1)

    def _rate(self, step: int) -> float:
        return min(1.0, (step + 1) / (0.1 * self._steps)) * max(0.02, 1 - step / self._steps)


def main() -> None:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="go on from an encoder that this has trained before")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--hold-out", default="", help="names of files in city/knowledge, without .yml, by commas")
    arguments = parser.parse_args()
    random.seed(0)
    torch.manual_seed(0)
    trainer = Trainer(entries(set(arguments.hold_out.split(","))), letters(), arguments.epochs, arguments.start)
    trainer.train()
    torch.save({"network": trainer.network.state_dict()}, arguments.out)


if __name__ == "__main__":
    main()
