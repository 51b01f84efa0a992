"""The tokenizer that ships with the layer is tiktoken's own, and bears whatever text it is given."""

import hashlib
from pathlib import Path

import pytest
import tiktoken_ext.openai_public as tiktoken_definitions  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.errors import BadRequest, SignalboxError, TooLarge
from signalbox.signals import encoding
from tests.unit.signals.oracle import oracle
from workbench import ranks


def tiktokens_definition(monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, object], str]:
    """What tiktoken says of o200k_base, and the hash it expects, without its download."""
    expected: list[str] = []

    def note(_url: str, expected_hash: str) -> dict[bytes, int]:
        expected.append(expected_hash)
        return {}

    monkeypatch.setattr(tiktoken_definitions, "load_tiktoken_bpe", note)
    return tiktoken_definitions.o200k_base(), expected[0]


def test_ranks_are_byte_for_byte_those_that_tiktoken_expects(monkeypatch: pytest.MonkeyPatch) -> None:
    _, expected = tiktokens_definition(monkeypatch)
    source = ranks.unpack(encoding.read_ranks(encoding.RANKS))
    assert hashlib.sha256(source).hexdigest() == expected == ranks.SHA256


def test_pattern_and_special_tokens_are_tiktokens(monkeypatch: pytest.MonkeyPatch) -> None:
    definition, _ = tiktokens_definition(monkeypatch)
    assert definition["pat_str"] == encoding.PATTERN
    assert definition["special_tokens"] == encoding.SPECIAL_TOKENS


def test_rebuilding_gives_the_same_ranks_and_refuses_another_file(tmp_path: Path) -> None:
    tokens = encoding.read_ranks(encoding.RANKS)
    source = ranks.unpack(tokens)
    rebuilt = tmp_path / "ranks"
    rebuilt.write_bytes(ranks.pack(source))
    assert encoding.read_ranks(rebuilt) == tokens
    with pytest.raises(ValueError, match="SHA-256"):
        ranks.pack(source + b"\n")


def test_longest_token_is_what_the_bounds_count_on() -> None:
    assert max(map(len, encoding.read_ranks(encoding.RANKS))) == encoding.LONGEST_TOKEN_BYTES


@pytest.mark.parametrize("position", [0, 1, 2, 1_000, 500_000, -5, -1])
def test_a_damaged_byte_is_found(tmp_path: Path, position: int) -> None:
    content = bytearray(encoding.RANKS.read_bytes())
    content[position] ^= 0x10
    damaged = tmp_path / "ranks"
    damaged.write_bytes(content)
    with pytest.raises(SignalboxError) as raised:
        encoding.read_ranks(damaged)
    assert raised.value.code == "tokenizer_unavailable"


def test_missing_and_cut_short_ranks_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(encoding.RANKS.read_bytes()[:-100])
    for path in (cut, tmp_path / "none"):
        with pytest.raises(SignalboxError, match=r"workbench\.ranks"):
            encoding.read_ranks(path)


@given(st.text(max_size=300))
def test_tokens_are_tiktokens_own(text: str) -> None:
    assert encoding.encode(text) == oracle().encode(text, disallowed_special=())


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_decode_gives_back_the_text(text: str) -> None:
    assert encoding.decode(encoding.encode(text)) == text


def test_special_tokens_in_a_text_are_plain_text() -> None:
    tokens = encoding.encode("a<|endoftext|>b")
    assert not set(tokens) & set(encoding.SPECIAL_TOKENS.values())
    assert encoding.decode(tokens) == "a<|endoftext|>b"


def test_a_lone_surrogate_counts_as_a_replacement_character() -> None:
    assert encoding.encode("a\ud800b") == encoding.encode("a\ufffdb")


@pytest.mark.row("A6")
@pytest.mark.parametrize("bad", [-1, 199_998, 199_999, 200_018, 2**70, True, 1.0, "1", None])
def test_an_id_that_is_no_token_is_refused_where_it_stands(bad: object) -> None:
    with pytest.raises(BadRequest) as raised:
        encoding.decode([5, bad], param="conversation")  # type: ignore[list-item]
    assert (raised.value.code, raised.value.param) == ("invalid_token_id", "conversation[1]")


@pytest.mark.row("A6")
def test_ids_that_spell_no_text_are_refused_without_showing_it() -> None:
    half = encoding.encoder().encode_single_token(b"\xf0\x9f")
    with pytest.raises(BadRequest) as raised:
        encoding.decode([half])
    assert (raised.value.code, raised.value.param) == ("invalid_token_id", "conversation")
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("run", [" ", "\t", "\u00a0", " \t", "\u3000"])
def test_a_whitespace_run_that_overflows_tiktokens_stack_is_counted(run: str) -> None:
    """Cutting may add tokens at each cut, and no more than a few."""
    characters = 1_200_000
    text = (run * characters)[:characters] + "a"
    per_run = len(oracle().encode((run * 40_000)[:40_000])) / 40_000
    counted = len(encoding.encode(text))
    assert counted == pytest.approx(per_run * characters, abs=4 * characters / 65_536 + 4)


@pytest.mark.parametrize("run", [" ", "\n", " \n"])
def test_cutting_a_run_errs_by_a_token_or_two_a_cut(run: str) -> None:
    text = "a" + (run * 200_000)[:200_000] + "b"
    exact = len(oracle().encode(text))
    assert exact <= len(encoding.encode(text)) <= exact + 2 * 3


def test_few_digits_cannot_spell_more_than_a_body_may_hold() -> None:
    longest = max(range(encoding.RANK_COUNT), key=lambda token: len(encoding.encoder().decode_bytes([token])))
    with pytest.raises(TooLarge) as caught:
        encoding.decode([longest] * 40_000)
    assert caught.value.code == "body_too_large"
