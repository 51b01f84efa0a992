"""A tiny network of random numbers, under the names of ``workbench.training.export``; and its two files."""

import io
import json
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.tagger.features import EARLIER, MEASURES, PATCHES
from signalbox.tagger.network import LINEAR
from tests.unit.tagger import oracle

Arrays = dict[str, NDArray[Any]]

WIDTH, ATTENTION_HEADS, BLOCKS, INNER, MIXED = 8, 2, 2, 16, 12
HEADS = {"gap": 1, "label": 3, "billing_dispute": 1, "compliance": 1, "complexity": 3, "workload": 4}
WORDS = [
    word.encode() for word in ("why", "was", "i", "charged", "twice", "0", "00", "?", "!", "a", "é", "料金", "card")
]
PAIRS = [(b"why", b"was"), (b"charged", b"twice"), (b"a", b"a"), (b"?", b"?")]
TAKEN_APART = [b"cards", b"yes", b"aaaa", "料".encode(), b"b", b"z" * 30]  # unknown words whose n-grams are known
INTERCEPTS = {"gap": [0.125], "support": [-1.5, -2.0]}

MEANING: dict[str, Any] = {
    "labels": [
        ["clinc150/greeting", "greeting"],
        ["banking77/request_refund", "billing_dispute"],
        ["task/other", "other"],
    ],
    "calibration": {
        "gap": {"network": 0.5, "linear": 2.0, "offset": -0.25},
        "billing_dispute": {"network": 1.5, "linear": 0.25, "offset": 0.5},
        "compliance": {"network": 0.5, "linear": 0.75, "offset": -1.0},
        "complexity": 0.5,
        "label": 2.0,
        "workload": 1.0,
    },
}


def known_ids() -> NDArray[np.uint32]:
    """Of every second n-gram, so that some words are known in part."""
    grams = [gram for word in TAKEN_APART for gram in sorted(oracle.grams(word))[::2]]
    return _sorted([*map(oracle.word_id, WORDS), *(oracle.pair_id(*pair) for pair in PAIRS), *grams])


def arrays(seed: int = 0) -> Arrays:
    chance = np.random.default_rng(seed)

    def some(*shape: int, around: float = 0.0) -> NDArray[np.float16]:
        return (around + chance.normal(0, 0.5, shape)).astype(np.float16)

    known = known_ids()
    layers = {"measures": (MEASURES, WIDTH), "mix": (3 * WIDTH, MIXED)}
    norms = ["norm"]
    for block in (f"block{at}" for at in range(BLOCKS)):
        layers |= {
            f"{block}.queries_keys_values": (WIDTH, 3 * WIDTH),
            f"{block}.attended": (WIDTH, WIDTH),
            f"{block}.inner": (WIDTH, INNER),
            f"{block}.outer": (INNER, WIDTH),
        }
        norms += [f"{block}.norm_attention", f"{block}.norm_inner"]
    layers |= {f"head.{name}": (MIXED, count) for name, count in HEADS.items()}
    found: Arrays = {
        "known": known,
        "rows": chance.integers(-127, 128, (len(known), WIDTH), np.int8),
        "scales": (abs(some(len(known))) / 50 + 0.001).astype(np.float16),
        "attention_heads": np.array([ATTENTION_HEADS]),
        "position": some(max(PATCHES.values()), WIDTH),
        "segment": some(len(PATCHES), WIDTH),
    }
    for at, (name, outputs) in enumerate(LINEAR.items()):
        ids = [*map(oracle.word_id, WORDS[at::2]), *(oracle.pair_id(*pair) for pair in PAIRS[at::2])]
        linear = _sorted([*ids, *(one ^ int(EARLIER) for one in ids)])
        found |= {
            f"linear.{name}.known": linear,
            f"linear.{name}.frequency": some(len(linear), around=3.0),
            f"linear.{name}.weight": some(len(linear), len(outputs)),
            f"linear.{name}.intercept": np.array(INTERCEPTS[name], np.float32),
        }
    for name, (rows, columns) in layers.items():
        found |= {f"{name}.weight": some(rows, columns), f"{name}.bias": some(columns)}
    for name in norms:
        found |= {f"{name}.weight": some(WIDTH, around=1.0), f"{name}.bias": some(WIDTH)}
    return {name: found[name] for name in sorted(found)}  # as they stand in the file


def packed(made: Arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **made)
    return file.getvalue()


def written(
    folder: Path,
    made: Arrays | None = None,
    meaning: dict[str, Any] | None = None,
    damage: Callable[[bytes], bytes] = bytes,
) -> Path:
    """``tagger.npz`` and ``tagger.json`` in ``folder``; the CRC-32 is that of the damaged archive."""
    raw = damage(packed(arrays() if made is None else made))
    (folder / "tagger.npz").write_bytes(raw)
    text = json.dumps({"crc32": zlib.crc32(raw), **(meaning or MEANING)})
    (folder / "tagger.json").write_text(text)
    return folder


def _sorted(ids: Iterable[int]) -> NDArray[np.uint32]:
    return np.array(sorted(set(ids)), np.uint32)
