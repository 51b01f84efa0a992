"""``python -m workbench.tagging.baselines DATA``: TF-IDF with linear models, on the data the tagger is measured on.

Runs in the environment of `make train`, which has scikit-learn; ``learned`` starts it and reads the JSON it prints.
Settings are the usual ones and were not searched for: words and pairs that occur twice, sublinear counts.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from workbench.confidence.recorded import read_dev
from workbench.tagging.examples import clinc_validation
from workbench.training.corpus import Example, read_corpus
from workbench.training.session import WRITTEN_WEIGHT

_RIDGE, _INVERSE_RIDGE, _STEPS = 1.0, 10.0, 300


def main(data: Path) -> dict[str, Any]:
    """``dev``: by method and file a score for each prompt, higher to the strong model; ``clinc150``: by method the
    label of each utterance of ``clinc_validation``."""
    corpus = read_corpus(data)
    judged = [one for one in corpus if one.gap is not None and one.source != "written/dialogues"]
    recorded = [one for one in judged if one.source == "llmrouter"]
    labelled = [one for one in corpus if one.source == "clinc150"]
    both = {"TF-IDF, ridge, with the written prompts": _ridge(judged, data)}
    gaps = {"TF-IDF, ridge": _ridge(recorded, data), "TF-IDF, logistic regression": _logistic(recorded, data), **both}
    return {"dev": gaps, "clinc150": {"TF-IDF, logistic regression": _labels(labelled, data)}}


def _ridge(train: Sequence[Example], data: Path) -> dict[str, list[float]]:
    """By file. Written prompts count as they do for the tagger."""
    vectors = _vectorizer()
    rows = vectors.fit_transform([one.turns[-1].text for one in train])
    weights = [1.0 if one.source == "llmrouter" else WRITTEN_WEIGHT for one in train]
    fitted = Ridge(alpha=_RIDGE).fit(rows, [float(one.gap or 0) for one in train], sample_weight=weights)
    return {name: fitted.predict(vectors.transform(prompts)).tolist() for name, prompts in _dev(data).items()}


def _logistic(train: Sequence[Example], data: Path) -> dict[str, list[float]]:
    vectors = _vectorizer()
    rows = vectors.fit_transform([one.turns[-1].text for one in train])
    fitted = LogisticRegression(max_iter=_STEPS).fit(rows, [(one.gap or 0) > 0 for one in train])
    return {name: fitted.decision_function(vectors.transform(prompts)).tolist() for name, prompts in _dev(data).items()}


def _dev(data: Path) -> dict[str, list[str]]:
    return {name: [one.prompt for one in trials] for name, trials in read_dev(data).items()}


def _labels(train: Sequence[Example], data: Path) -> list[str]:
    vectors = _vectorizer()
    rows = vectors.fit_transform([one.turns[-1].text for one in train])
    labels = [(one.label or "").removeprefix("clinc150/") for one in train]
    fitted = LogisticRegression(C=_INVERSE_RIDGE, max_iter=_STEPS).fit(rows, labels)
    found: list[str] = fitted.predict(vectors.transform([one.text for one in clinc_validation(data)])).tolist()
    return found


def _vectorizer() -> Any:
    return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1])), sys.stdout)
