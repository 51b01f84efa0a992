"""The tagger's network in numpy: what ``workbench.training.network`` is in torch, for one conversation at a time.

At export the n-grams of every known word are added into its own row, so only unknown words are taken apart here.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.tagger import features
from signalbox.tagger.excerpt import Excerpt
from signalbox.tagger.features import Floats, Hashes, Indices, Words

Arrays = Mapping[str, NDArray[Any]]

# The outputs of the wide halves: a gap, about -1..1, and two log-odds. The second tells words of the latest turn from
# the same words before it.
LINEAR = {"gap": ("gap",), "support": ("billing_dispute", "compliance")}

_LINEAR_ARRAYS = ("known", "frequency", "weight", "intercept")
_EPSILON = np.float32(1e-5)  # torch's LayerNorm


class Index:
    """Where known hashes are, without a loop: a table by their low bits. Of ``known``, sorted and
    each once, those that share their low bits are looked up by bisection instead."""

    def __init__(self, known: Hashes) -> None:
        self._known = known
        self._mask = np.uint32((1 << 18) - 1)
        places = np.arange(len(known), dtype=np.min_scalar_type(max(1, len(known))))
        self._table = np.zeros(1 << 18, places.dtype)
        self._table[known & self._mask] = places
        shared = self._table[known & self._mask] != places
        self._crowded = np.zeros(1 << 18, np.bool_)
        self._crowded[known[shared] & self._mask] = True

    def rows(self, ids: Hashes) -> Indices:
        """The position of each in ``known``, -1 for the unknown ones."""
        low = ids & self._mask
        at = self._table[low].astype(np.int64)
        crowded = np.flatnonzero(self._crowded[low])
        if len(crowded):
            at[crowded] = np.minimum(np.searchsorted(self._known, ids[crowded]), len(self._known) - 1)
        return np.where(self._known[at] == ids, at, -1)


class Linear:
    """A wide half: of each known word and pair one weight for each of its outputs. ``arrays``: those of its name."""

    def __init__(self, arrays: Arrays) -> None:
        self._index = Index(arrays["known"])
        self._frequency = arrays["frequency"].astype(np.float32)
        self._weight = arrays["weight"].astype(np.float32)
        self._intercept = arrays["intercept"]

    def __call__(self, ids: Hashes) -> Floats:
        """Its outputs for the words and pairs of a conversation; shape (outputs,)."""
        rows = self._index.rows(ids)
        rows, counts = np.unique(rows[rows >= 0], return_counts=True)
        if not len(rows):
            return self._intercept.copy()
        values = (1 + np.log(counts.astype(np.float32))) * self._frequency[rows]
        found: Floats = values / np.sqrt(values @ values) @ self._weight[rows] + self._intercept
        return found


class Network:
    """``arrays``: those of ``tagger.npz``, by the names that ``workbench.training.export`` gives them."""

    def __init__(self, arrays: Arrays) -> None:
        self._index = Index(arrays["known"])
        self._rows = arrays["rows"]
        self._width = self._rows.shape[1]
        self._scales = arrays["scales"].astype(np.float32)
        self._linear = {
            name: Linear({kind: arrays[f"linear.{name}.{kind}"] for kind in _LINEAR_ARRAYS}) for name in LINEAR
        }
        self._blocks = [name[:-16] for name in arrays if name.endswith(".attended.weight")]
        self._attention_heads = int(arrays["attention_heads"].item())
        packed = ("known", "rows", "scales", "attention_heads")
        self._dense = {
            name: value.astype(np.float32)
            for name, value in arrays.items()
            if name not in packed and not name.startswith("linear.")
        }
        self._heads = self._join_heads()
        self._mean = np.full(self._width, 1 / self._width, np.float32)
        for block in self._blocks:
            self._fold(f"{block}.norm_attention", f"{block}.queries_keys_values")
            self._fold(f"{block}.norm_inner", f"{block}.inner")
            for kind in ("weight", "bias"):  # the queries' scale
                scale = np.sqrt(np.float32(self._width // self._attention_heads))
                self._dense[f"{block}.queries_keys_values.{kind}"][..., : self._width] /= scale

    def __call__(self, seen: Excerpt) -> dict[str, Floats]:
        """Logits of each head, and of the wide halves ``linear.`` and the name of the output, each of shape (1,)."""
        words = features.split(seen)
        ids = np.concatenate([words.ids, words.pair_ids])
        patches = self._patches(words, ids)
        hidden = np.empty((len(patches) + 1, self._width), np.float32)
        hidden[0] = self._through("measures", features.measures(seen, words))
        hidden[1:] = patches
        hidden[1:] += self._dense["position"][words.positions]
        hidden[1:] += self._dense["segment"][words.segments]
        for block in self._blocks:
            hidden += self._attended(block, self._standardized(hidden))
            inner = np.maximum(self._through(f"{block}.inner", self._standardized(hidden)), 0)
            hidden += self._through(f"{block}.outer", inner)
        hidden = self._standardized(hidden) * self._dense["norm.weight"] + self._dense["norm.bias"]
        mean = patches.sum(0) / np.sqrt(np.float32(len(patches)))
        pooled = np.concatenate([hidden[0], mean, hidden[1:].max(0)])
        mixed = np.maximum(self._through("mix", pooled), 0)
        logits = self._through("heads", mixed)
        found = {name: logits[begin:end] for name, (begin, end) in self._heads.items()}
        latest = np.concatenate([words.latest, words.latest[words.follows]])
        read = {"gap": ids, "support": ids if latest.all() else np.where(latest, ids, ids ^ features.EARLIER)}
        for name, outputs in LINEAR.items():
            values = self._linear[name](read[name])
            found |= {f"linear.{output}": values[at : at + 1] for at, output in enumerate(outputs)}
        return found

    def _fold(self, norm: str, layer: str) -> None:
        """The gain and bias of a layer norm, into the layer that follows it."""
        gain, bias = self._dense.pop(f"{norm}.weight"), self._dense.pop(f"{norm}.bias")
        weight = self._dense[f"{layer}.weight"]
        self._dense[f"{layer}.bias"] = self._dense[f"{layer}.bias"] + bias @ weight
        self._dense[f"{layer}.weight"] = weight * gain[:, None]

    def _through(self, layer: str, value: Floats) -> Floats:
        found: Floats = value @ self._dense[f"{layer}.weight"] + self._dense[f"{layer}.bias"]
        return found

    def _standardized(self, value: Floats) -> Floats:
        """Each row with mean 0 and variance 1: a layer norm without gain and bias."""
        centred = value - (value @ self._mean)[:, None]
        variance = (centred * centred) @ self._mean
        found: Floats = centred / np.sqrt(variance + _EPSILON)[:, None]
        return found

    def _attended(self, block: str, hidden: Floats) -> Floats:
        length = len(hidden)
        shared = self._through(f"{block}.queries_keys_values", hidden)
        query, key, value = shared.reshape(length, 3, self._attention_heads, -1).transpose(1, 2, 0, 3)
        scores = query @ key.transpose(0, 2, 1)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        attended = (scores / scores.sum(-1, keepdims=True)) @ value
        return self._through(f"{block}.attended", attended.transpose(1, 0, 2).reshape(length, self._width))

    def _patches(self, words: Words, ids: Hashes) -> Floats:
        """The embeddings of each patch's words and pairs, over its number of words; shape (patches, width). ``ids``:
        of the words, then of the pairs."""
        row = self._index.rows(ids)
        place = np.concatenate([words.patch, words.patch[words.follows]])
        share = np.ones(len(row), np.float32)
        unknown = row[: len(words.hashes)] < 0
        if unknown.any():
            grams, owners, parts = features.ngrams(words, unknown)
            row = np.concatenate([row, self._index.rows(grams)])
            place = np.concatenate([place, words.patch[owners]])
            share = np.concatenate([share, parts])
        kept = np.flatnonzero(row >= 0)
        row = row[kept]
        sizes = np.maximum(1, np.bincount(words.patch, minlength=len(words.segments)))
        # Multiplying by a matrix with one number in a column is several times faster than adding up stretches.
        gather = np.zeros((len(sizes), len(row)), np.float32)
        gather[place[kept], np.arange(len(row))] = share[kept] * self._scales[row]
        total: Floats = gather @ self._rows[row].astype(np.float32)
        total /= sizes[:, None]
        return total

    def _join_heads(self) -> dict[str, tuple[int, int]]:
        """One matrix of all heads; where each one's outputs are."""
        names = [name[5:-7] for name in self._dense if name.startswith("head.") and name.endswith(".weight")]
        parts = {kind: [self._dense.pop(f"head.{name}.{kind}") for name in names] for kind in ("weight", "bias")}
        for kind, own in parts.items():
            self._dense[f"heads.{kind}"] = np.concatenate(own, axis=-1)
        ends = np.cumsum([len(bias) for bias in parts["bias"]]).tolist()
        return {name: (begin, end) for name, begin, end in zip(names, [0, *ends], ends, strict=False)}
