"""The wide half of ``p_fast``: ridge regression of the gap on words and pairs, beside the network's own head.

Rare words tell hard prompts from easy ones and are too few for the network to learn; one weight each is enough.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge

from workbench.training.batches import NGRAM, Read


@dataclass(frozen=True)
class Linear:
    """``known``: hashes, sorted; each with its inverse document frequency and its weight. ``intercept``: a gap."""

    known: NDArray[np.uint32]
    frequency: NDArray[np.float32]
    weight: NDArray[np.float32]
    intercept: float

    def predict(self, reads: Sequence[Read]) -> NDArray[np.float64]:
        """The gap of each conversation."""
        found: NDArray[np.float64] = _matrix(reads, self.known, self.frequency) @ self.weight + self.intercept
        return found


def fit_linear(
    reads: Sequence[Read], gaps: NDArray[np.float64], weights: NDArray[np.float64], ridge: float = 4.0, least: int = 2
) -> Linear:
    """On ``reads`` that are not indexed. Features that occur in fewer than ``least`` conversations are left out."""
    counts: Counter[int] = Counter()
    for one in reads:
        counts.update(np.unique(one.ids[one.kinds != NGRAM]).tolist())
    known = np.array(sorted(key for key, count in counts.items() if count >= least), np.uint32)
    frequency = np.log1p(len(reads) / (1 + np.array([counts[int(key)] for key in known]))).astype(np.float32)
    fitted = Ridge(alpha=ridge, random_state=0).fit(_matrix(reads, known, frequency), gaps, sample_weight=weights)
    return Linear(known, frequency, fitted.coef_.astype(np.float32), float(fitted.intercept_))


def _matrix(reads: Sequence[Read], known: NDArray[np.uint32], frequency: NDArray[np.float32]) -> csr_matrix:
    """Rows of unit length: (1 + log count) * frequency."""
    columns, values, ends = [], [], [0]
    for one in reads:
        ids, counts = np.unique(one.ids[one.kinds != NGRAM], return_counts=True)
        at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        kept = known[at] == ids
        value = (1 + np.log(counts[kept])) * frequency[at[kept]]
        columns.append(at[kept])
        values.append(value / max(1e-6, float(np.sqrt((value**2).sum()))))
        ends.append(ends[-1] + int(kept.sum()))
    data, indices = np.concatenate(values), np.concatenate(columns)
    return csr_matrix((data, indices, np.array(ends)), (len(reads), len(known)))
