"""``python -m workbench.tagging.baselines DATA``: TF-IDF with linear models, on the data the tagger is measured on.

Runs in the environment of `make train`, which has scikit-learn; ``learned`` starts it and reads the JSON it prints.
Settings are the usual ones and were not searched for: words and pairs that occur twice, sublinear counts.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Only the environment of `make train` has it; mypy looks at the other.
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from workbench.confidence.recorded import read_dev
from workbench.tagging.examples import clinc_validation
from workbench.training.corpus import Example, read_corpus

_RIDGE, _INVERSE_RIDGE, _STEPS = 1.0, 10.0, 300


def main(data: Path) -> dict[str, Any]:
    """``dev``: by method and file a score for each prompt, higher to the strong model; ``clinc150``: by method the
    label of each utterance of ``clinc_validation``."""
    corpus = read_corpus(data)
    recorded = [one for one in corpus if one.source == "llmrouter" and one.gap is not None]
    labelled = [one for one in corpus if one.source == "clinc150"]
    return {"dev": _gaps(recorded, data), "clinc150": {"TF-IDF, logistic regression": _labels(labelled, data)}}


def _gaps(train: Sequence[Example], data: Path) -> dict[str, dict[str, list[float]]]:
    vectors = _vectorizer()
    rows = vectors.fit_transform([one.turns[-1].text for one in train])
    gaps = [float(one.gap or 0) for one in train]
    ridge = Ridge(alpha=_RIDGE).fit(rows, gaps)
    logistic = LogisticRegression(max_iter=_STEPS).fit(rows, [gap > 0 for gap in gaps])
    found: dict[str, dict[str, list[float]]] = {"TF-IDF, ridge": {}, "TF-IDF, logistic regression": {}}
    for name, trials in read_dev(data).items():
        columns = vectors.transform([one.prompt for one in trials])
        found["TF-IDF, ridge"][name] = ridge.predict(columns).tolist()
        found["TF-IDF, logistic regression"][name] = logistic.decision_function(columns).tolist()
    return found


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
