"""How well an operator's labelled history can be learned from itself: five folds, JSON lines in, JSON lines out.

In: `{"text", "category"}`, any labels. Out: a line `{"fold", "right", "of"}` a fold, then `{"told": [[label, told]…]}`.
"""

import json
import sys
from typing import Any, Dict, Iterator, List, Sequence, TextIO

import numpy as np
import scipy.sparse as sp
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from bot.components.encoder import Encoder
from bot.components.ngrams import NgramFeatures
from bot.quiet import silence_warnings

FOLDS = 5
STRENGTH = 0.3
VECTOR_SHARE = 0.5
"""Weight of the encoder's vectors beside the n-grams; both have length 1 (chosen on messages of other labels)."""


def cross_validated(texts: Sequence[str], labels: Sequence[str]) -> Iterator[Dict[str, Any]]:
    """A result a fold, and the label told for every text at the end. Every label needs at least `FOLDS` texts."""
    vectors = Encoder().encode(texts).vectors
    given, told = np.array(labels), np.empty(len(labels), dtype=object)
    for fold, (known, asked) in enumerate(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(texts, given), 1):
        ngrams, mean = NgramFeatures(), vectors[known].mean(axis=0)
        rows = ngrams.weigh(ngrams.learn([texts[i] for i in known]))
        machine = LinearSVC(C=STRENGTH).fit(_beside(rows, vectors[known] - mean), given[known])
        told[asked] = machine.predict(_beside(ngrams.transform([texts[i] for i in asked]), vectors[asked] - mean))
        yield {"fold": fold, "right": int((told[asked] == given[asked]).sum()), "of": len(asked)}
    yield {"told": [[str(one), str(other)] for one, other in zip(given, told)]}


def _beside(rows: sp.csr_matrix, vectors: np.ndarray) -> sp.csr_matrix:
    return sp.hstack([rows, sp.csr_matrix(VECTOR_SHARE * normalize(vectors))]).tocsr()


def run(lines: Iterator[str], results: TextIO) -> None:
    """Read all lines, then print the results as they come."""
    examples: List[Dict[str, str]] = [json.loads(line) for line in lines]
    for result in cross_validated([e["text"] for e in examples], [e["category"] for e in examples]):
        print(json.dumps(result, ensure_ascii=False), file=results, flush=True)


if __name__ == "__main__":
    silence_warnings()
    # jieba logs to standard output, which belongs to the results.
    out, sys.stdout = sys.stdout, sys.stderr
    run(iter(sys.stdin), out)
