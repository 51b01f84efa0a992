"""The wide halves: linear models on words and pairs, beside the network's own heads.

A rare word tells a hard prompt or a disputed charge as soon as it has been seen a few times, and the network needs many
more to learn it; one weight each is enough. Together they are better than either, most of all on texts of a new source.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, Ridge

from signalbox.tagger.excerpt import LATEST
from signalbox.tagger.features import EARLIER
from workbench.training.reads import NGRAM, Read

# Of the words and pairs those that say most of disputes and compliance; more make them no better.
MOST_OF_SUPPORT = 20_000


@dataclass(frozen=True)
class Linear:
    """``known``: hashes, sorted; each with its inverse document frequency, shape (known,), and weights of shape (known,
    outputs). ``intercept``: shape (outputs,). ``marked``: a word of an earlier turn is another than in the latest."""

    known: NDArray[np.uint32]
    frequency: NDArray[np.float32]
    weight: NDArray[np.float32]
    intercept: NDArray[np.float32]
    marked: bool = False

    def predict(self, reads: Sequence[Read]) -> NDArray[np.float64]:
        """Of each conversation, shape (conversations, outputs)."""
        found: NDArray[np.float64] = (
            _matrix(_ids(reads, self.marked), self.known, self.frequency) @ self.weight + self.intercept
        )
        return found


def fit_gap(
    reads: Sequence[Read], gaps: NDArray[np.float64], weights: NDArray[np.float64], ridge: float = 4.0
) -> Linear:
    """Ridge regression, on ``reads`` that are not indexed; one output, a gap."""
    ids = _ids(reads, marked=False)
    known, frequency = _vocabulary(ids)
    fitted = Ridge(alpha=ridge, random_state=0).fit(_matrix(ids, known, frequency), gaps, sample_weight=weights)
    intercept = np.array([fitted.intercept_], np.float32)
    return Linear(known, frequency, fitted.coef_.astype(np.float32)[:, None], intercept)


def fit_support(
    reads: Sequence[Read],
    wanted: Sequence[NDArray[np.float64]],
    weights: NDArray[np.float64],
    most: int = MOST_OF_SUPPORT,
    penalty: float = 0.05,
) -> Linear:
    """Logistic regressions, one for each of ``wanted`` (0, 1 or NaN for each conversation); log-odds."""
    ids = _ids(reads, marked=True)
    known, frequency = _vocabulary(ids)
    first = _logistic(_matrix(ids, known, frequency), wanted, weights, penalty)
    said = (np.abs(first[0]) * frequency[:, None]).max(1)
    kept = np.sort(np.argsort(-said, kind="stable")[:most])
    known, frequency = known[kept], frequency[kept]
    weight, intercept = _logistic(_matrix(ids, known, frequency), wanted, weights, penalty)
    return Linear(known, frequency, weight, intercept, marked=True)


def _logistic(
    rows: csr_matrix, wanted: Sequence[NDArray[np.float64]], weights: NDArray[np.float64], penalty: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights and intercepts."""
    found, intercepts = [], []
    for column in wanted:
        at = np.flatnonzero(~np.isnan(column))
        fitted = LogisticRegression(C=1 / penalty, solver="liblinear", max_iter=500, random_state=0)
        fitted.fit(rows[at], column[at], sample_weight=weights[at])
        found.append(fitted.coef_[0])
        intercepts.append(fitted.intercept_[0])
    return np.stack(found, 1).astype(np.float32), np.array(intercepts, np.float32)


def _ids(reads: Sequence[Read], marked: bool) -> list[NDArray[np.uint32]]:
    """Of each conversation its words and pairs."""
    found = []
    for one in reads:
        chosen = one.kinds != NGRAM
        ids = one.ids[chosen]
        if marked:
            latest = one.segments[one.patches[chosen]] == LATEST
            ids = np.where(latest, ids, ids ^ EARLIER)
        found.append(ids)
    return found


def _vocabulary(
    conversations: Sequence[NDArray[np.uint32]], least: int = 2
) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """The words and pairs that occur in at least ``least`` conversations, and their inverse document frequency."""
    counts: Counter[int] = Counter()
    for one in conversations:
        counts.update(np.unique(one).tolist())
    known = np.array(sorted(key for key, count in counts.items() if count >= least), np.uint32)
    often = np.array([counts[int(key)] for key in known])
    return known, np.log1p(len(conversations) / (1 + often)).astype(np.float32)


def _matrix(
    conversations: Sequence[NDArray[np.uint32]], known: NDArray[np.uint32], frequency: NDArray[np.float32]
) -> csr_matrix:
    """Rows of unit length: (1 + log count) * frequency."""
    columns, values, ends = [], [], [0]
    for one in conversations:
        ids, counts = np.unique(one, return_counts=True)
        at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        kept = known[at] == ids
        value = (1 + np.log(counts[kept])) * frequency[at[kept]]
        columns.append(at[kept])
        values.append(value / max(1e-6, float(np.sqrt((value**2).sum()))))
        ends.append(ends[-1] + int(kept.sum()))
    data, indices = np.concatenate(values), np.concatenate(columns)
    return csr_matrix((data, indices, np.array(ends)), (len(conversations), len(known)))
