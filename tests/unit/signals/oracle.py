"""Tiktoken's own encoder, made from the rank file's text as tiktoken itself reads it."""

import tempfile
from functools import lru_cache
from pathlib import Path

import pytest
import tiktoken
import tiktoken_ext.openai_public as definitions  # type: ignore[import-untyped]
from tiktoken.load import load_tiktoken_bpe

from signalbox.signals.encoding import RANKS, read_ranks
from workbench.ranks import unpack


@lru_cache(maxsize=1)
def oracle() -> tiktoken.Encoding:
    def shipped(_url: str, expected_hash: str) -> dict[bytes, int]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "o200k_base.tiktoken"
            path.write_bytes(unpack(read_ranks(RANKS)))
            return load_tiktoken_bpe(str(path), expected_hash)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", "")
        patch.setattr(definitions, "load_tiktoken_bpe", shipped)
        return tiktoken.Encoding(**definitions.o200k_base())
