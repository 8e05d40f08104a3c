"""A linear text classifier over character and word n-grams, as both of our components use it."""

from typing import List, Sequence, Tuple

import jieba
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union

# The dictionary is loaded now, so that the first citizen does not wait for it.
jieba.initialize()


def words(text: str) -> List[str]:
    """The words of a text, for the vectorizer."""
    return list(jieba.cut(text))


def new_model(inverse_regularisation: float) -> Pipeline:
    """An untrained model."""
    characters = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True, min_df=2, dtype=np.float32)
    tokens = TfidfVectorizer(
        analyzer="word",
        tokenizer=words,
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, 2),
        sublinear_tf=True,
        dtype=np.float32,
    )
    return make_pipeline(
        make_union(characters, tokens),
        LogisticRegression(C=inverse_regularisation, max_iter=300, class_weight="balanced"),
    )


def ranked(model: Pipeline, text: str) -> List[Tuple[str, float]]:
    """All labels with their probabilities, highest first."""
    probabilities: Sequence[float] = model.predict_proba([text])[0]
    pairs = zip(model.classes_, probabilities)
    return sorted(((str(label), float(p)) for label, p in pairs), key=lambda pair: -pair[1])
