"""The shipped weights: ``tagger.npz``, and ``tagger.json``: what its arrays mean, calibration, their CRC-32."""

import io
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from signalbox.contracts.errors import SignalboxError
from signalbox.contracts.model import Contract
from signalbox.contracts.tags import Intent
from signalbox.tagger.excerpt import Turn, excerpt
from signalbox.tagger.network import Network

HERE = Path(__file__).parent

Number = Annotated[float, Field(allow_inf_nan=False)]
Temperature = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Mixture(Contract):
    """Log-odds: ``network`` times the head's logit, ``linear`` times the wide half's output, and ``offset``."""

    network: Number
    linear: Number
    offset: Number


class Calibration(Contract):
    """What turns logits into probabilities, each fitted on conversations that the network was not trained on."""

    gap: Mixture  # of a strong model being needed
    billing_dispute: Mixture
    compliance: Mixture
    complexity: Temperature
    label: Temperature
    workload: Temperature


class Meaning(Contract):
    """``labels``: of each output of the label head, its source/label and its intent."""

    crc32: int
    labels: tuple[tuple[str, Intent], ...]
    calibration: Calibration


class Weights(NamedTuple):
    """``intents``: the names that occur; ``intent_of``: of each label its place among them."""

    network: Network
    meaning: Meaning
    intents: tuple[Intent, ...]
    intent_of: NDArray[np.int64]


@lru_cache(maxsize=1)
def load() -> Weights:
    """Read when first asked for, about 40 ms of CPU beside numpy's import.

    Raises ``SignalboxError`` (``tagger_unavailable``) where a file is missing or damaged; there is no fallback.
    """
    return read(HERE)


def read(folder: Path) -> Weights:
    """From ``folder``. Raises as ``load`` does."""
    try:
        raw = (folder / "tagger.npz").read_bytes()
        meaning = Meaning.model_validate_json((folder / "tagger.json").read_bytes())
        if zlib.crc32(raw) != meaning.crc32:  # against damage and mix-ups; a SHA-256 takes far longer
            raise ValueError("tagger.npz is not the file that tagger.json describes")
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            network = Network({name: arrays[name] for name in arrays.files})
        tried = network(excerpt([Turn(True, "is it whole?")]))
        if len(tried["label"]) != len(meaning.labels) or not all(np.isfinite(one).all() for one in tried.values()):
            raise ValueError("tagger.npz and tagger.json do not belong together")
    except (OSError, ValueError, TypeError, LookupError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        message = f"The tagger's weights are missing or damaged ({type(error).__name__}); rebuild them with make train."
        raise SignalboxError("tagger_unavailable", message) from error
    intents = tuple(dict.fromkeys(intent for _, intent in meaning.labels))
    return Weights(network, meaning, intents, np.array([intents.index(intent) for _, intent in meaning.labels]))
