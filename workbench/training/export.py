"""The trained network as the two files that ship: ``tagger.npz`` and ``tagger.json``."""

import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.tagger import features
from signalbox.tagger.excerpt import Turn, excerpt
from workbench.training.linear import Linear
from workbench.training.network import Network

MOST_BYTES = 6_000_000


def word_grams(conversations: Iterable[Sequence[Turn]], known: NDArray[np.uint32]) -> dict[int, NDArray[np.uint32]]:
    """The n-grams of each known word that the conversations show, by its hash."""
    found: dict[int, NDArray[np.uint32]] = {}
    hashes = set(known.tolist())
    for turns in conversations:
        words = features.split(excerpt(turns))
        ids = words.ids
        new = np.array([int(one) in hashes and int(one) not in found for one in ids], np.bool_)
        if new.any():
            grams, owners, _ = features.ngrams(words, new)
            for at in np.unique(owners):
                found[int(ids[at])] = grams[owners == at]
    return found


def arrays_of(
    network: Network,
    known: NDArray[np.uint32],
    grams: dict[int, NDArray[np.uint32]],
    linears: Mapping[str, Linear],
) -> dict[str, NDArray[Any]]:
    """By the names that ``signalbox.tagger.network`` reads. Embeddings are bytes with a scale for each row, the rest
    half floats; matrices are transposed, so that a row vector goes through them."""
    table = network.embedding.weight.detach().numpy()
    rows, scales = _quantized(_folded(table, known, grams))
    found: dict[str, NDArray[Any]] = {
        "known": known,
        "rows": rows,
        "scales": scales,
        "attention_heads": np.array(network.blocks[0].heads),
        "position": network.position.weight.detach().numpy().astype(np.float16),
        "segment": network.segment.weight.detach().numpy().astype(np.float16),
    }
    for name, linear in linears.items():
        found[f"linear.{name}.known"] = linear.known
        found[f"linear.{name}.frequency"] = linear.frequency.astype(np.float16)
        found[f"linear.{name}.weight"] = linear.weight.astype(np.float16)
        found[f"linear.{name}.intercept"] = linear.intercept
    for name, value in network.state_dict().items():
        layer, _, kind = name.rpartition(".")
        if layer in ("embedding", "position", "segment"):
            continue
        layer = layer.replace("blocks.", "block").replace("heads.", "head.")
        half = value.numpy().astype(np.float16)
        found[f"{layer}.{kind}"] = half.T.copy() if half.ndim == 2 else half
    return found


def _folded(
    table: NDArray[np.float32], known: NDArray[np.uint32], grams: dict[int, NDArray[np.uint32]]
) -> NDArray[np.float32]:
    """With the mean of its n-grams added to the row of each word; of unknown n-grams that is a nought."""
    folded = table.copy()
    for at, key in enumerate(known.tolist()):
        own = grams.get(key)
        if own is not None and len(own):
            places = np.minimum(np.searchsorted(known, own), len(known) - 1)
            folded[at] += table[places[known[places] == own]].sum(0) / len(own)
    return folded


def _quantized(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    scales = (np.abs(table).max(1, keepdims=True) / 127 + 1e-9).astype(np.float16).astype(np.float32)
    return np.round(table / scales).clip(-127, 127).astype(np.int8), scales[:, 0].astype(np.float16)


def write(folder: Path, arrays: dict[str, NDArray[Any]], meaning: dict[str, Any]) -> int:
    """Both files, always the same bytes for the same content; their size together.

    Raises ``ValueError`` for more than ``MOST_BYTES``, with nothing written.
    """
    archive = folder / "tagger.npz.new"
    with zipfile.ZipFile(archive, "w") as file:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            plain = member.getvalue()
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            # Inflating takes most of the time of a load, and trained numbers hardly shrink.
            shrinks = len(zlib.compress(plain, 9)) < 0.8 * len(plain)
            entry.compress_type = zipfile.ZIP_DEFLATED if shrinks else zipfile.ZIP_STORED
            file.writestr(entry, plain, compresslevel=9)
    raw = archive.read_bytes()
    text = json.dumps({"crc32": zlib.crc32(raw), **meaning}, indent=1)
    if len(raw) + len(text) > MOST_BYTES:
        archive.unlink()
        raise ValueError(f"the weights take {len(raw) + len(text)} bytes, more than {MOST_BYTES}")
    archive.replace(folder / "tagger.npz")
    (folder / "tagger.json").write_text(text + "\n")
    return len(raw) + len(text)
