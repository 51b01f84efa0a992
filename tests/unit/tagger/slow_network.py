"""The network again, in double precision and one patch after another, out of words that ``oracle`` has read."""

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.tagger import features
from signalbox.tagger.excerpt import Excerpt
from signalbox.tagger.network import LINEAR
from tests.unit.tagger import oracle
from tests.unit.tagger.tiny import ATTENTION_HEADS, BLOCKS, HEADS, WIDTH, Arrays

Row = NDArray[np.float64]


class SlowNetwork:
    def __init__(self, arrays: Arrays) -> None:
        scaled = arrays["rows"].astype(np.float64) * arrays["scales"].astype(np.float64)[:, None]
        self.embeddings = dict(zip(arrays["known"].tolist(), scaled, strict=True))
        self.arrays = {name: value.astype(np.float64) for name, value in arrays.items()}

    def __call__(self, seen: Excerpt) -> dict[str, Any]:
        words, patches = oracle.read(seen)
        embedded = self.embed(words, len(patches))
        measures = features.measures(seen, features.split(seen)).astype(np.float64)
        hidden = [self.through("measures", measures)]
        for row, patch in zip(embedded, patches, strict=True):
            hidden.append(row + self.arrays["position"][patch.position] + self.arrays["segment"][patch.segment])
        for block in (f"block{at}" for at in range(BLOCKS)):
            hidden = self.attend(block, hidden)
            hidden = [row + self.perceive(block, self.norm(f"{block}.norm_inner", row)) for row in hidden]
        hidden = [self.norm("norm", row) for row in hidden]
        mean = sum(embedded, np.zeros(WIDTH)) / math.sqrt(len(embedded))
        most = np.array([max(row[at] for row in hidden[1:]) for at in range(WIDTH)])
        mixed = np.maximum(self.through("mix", np.array([*hidden[0], *mean, *most])), 0)
        wide = {
            f"linear.{output}": [self.linear(words, len(seen.pieces), name, at)]
            for name, outputs in LINEAR.items()
            for at, output in enumerate(outputs)
        }
        return {name: self.through(f"head.{name}", mixed) for name in HEADS} | wide

    def embed(self, words: list[oracle.Word], count: int) -> list[Row]:
        """Words and pairs of each patch, over its number of words; of an unknown word the mean of its n-grams."""
        sums, sizes = [np.zeros(WIDTH) for _ in range(count)], Counter(word.patch for word in words)
        for word in words:
            row = self.embeddings.get(oracle.word_id(word.text))
            if row is not None:
                sums[word.patch] += row
            elif word.kind == oracle.LETTERS:
                grams = oracle.grams(word.text)
                for gram, times in grams.items():
                    sums[word.patch] += times / grams.total() * self.embeddings.get(gram, np.zeros(WIDTH))
        for one, other in oracle.pairs(words):
            sums[other.patch] += self.embeddings.get(oracle.pair_id(one.text, other.text), np.zeros(WIDTH))
        return [row / max(1, sizes[at]) for at, row in enumerate(sums)]

    def attend(self, block: str, hidden: list[Row]) -> list[Row]:
        shared = [self.through(f"{block}.queries_keys_values", self.norm(f"{block}.norm_attention", h)) for h in hidden]
        part = WIDTH // ATTENTION_HEADS
        attended = [np.zeros(WIDTH) for _ in hidden]
        for head in range(ATTENTION_HEADS):
            query, key, value = (slice(at * WIDTH + head * part, at * WIDTH + (head + 1) * part) for at in range(3))
            for at, own in enumerate(shared):
                scores = np.array([own[query] @ other[key] / math.sqrt(part) for other in shared])
                shares = np.exp(scores - scores.max())
                found = sum(share * other[value] for share, other in zip(shares / shares.sum(), shared, strict=True))
                attended[at][head * part : (head + 1) * part] = found
        return [row + self.through(f"{block}.attended", own) for row, own in zip(hidden, attended, strict=True)]

    def perceive(self, block: str, row: Row) -> Row:
        return self.through(f"{block}.outer", np.maximum(self.through(f"{block}.inner", row), 0))

    def norm(self, name: str, row: Row) -> Row:
        standard = (row - row.mean()) / math.sqrt(((row - row.mean()) ** 2).mean() + 1e-5)
        found: Row = standard * self.arrays[f"{name}.weight"] + self.arrays[f"{name}.bias"]
        return found

    def through(self, layer: str, row: Row) -> Row:
        found: Row = row @ self.arrays[f"{layer}.weight"] + self.arrays[f"{layer}.bias"]
        return found

    def linear(self, words: list[oracle.Word], pieces: int, name: str, output: int) -> float:
        """Words and pairs, each (1 + log count) times its frequency, of unit length together. Of ``pieces`` the last is
        the latest turn."""
        known, frequency, weight, intercept = (
            self.arrays[f"linear.{name}.{kind}"] for kind in ("known", "frequency", "weight", "intercept")
        )
        at = {int(one): place for place, one in enumerate(known)}

        def marked(one: int, word: oracle.Word) -> int:
            return one ^ int(features.EARLIER) if name == "support" and word.piece != pieces - 1 else one

        ids = [marked(oracle.word_id(word.text), word) for word in words]
        ids += [marked(oracle.pair_id(one.text, other.text), other) for one, other in oracle.pairs(words)]
        counts = Counter(at[one] for one in ids if one in at)
        values = {place: (1 + math.log(count)) * float(frequency[place]) for place, count in counts.items()}
        length = math.sqrt(sum(value**2 for value in values.values())) or 1.0
        total = sum(value / length * float(weight[place, output]) for place, value in values.items())
        return total + float(intercept[output])
