"""Words, n-grams and hashes are what a slow reading of one character after another makes of any text."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalbox.tagger import features
from signalbox.tagger.excerpt import (
    EARLIER_OTHER,
    EARLIER_TURNS,
    EARLIER_USER,
    LATEST,
    Excerpt,
    Turn,
    excerpt,
)
from signalbox.tagger.features import MEASURES, MOST_WORDS, PATCHES, Words, measures, ngrams, split
from tests.unit.tagger import oracle
from tests.unit.tagger.texts import CONVERSATIONS, HOSTILE, said, user

SPELLED = ("", "ab", "ABC 12.5!?", "Ünïcode料 x", "\x00a\x00", "a" * 30)


def words_of(text: str) -> Words:
    return split(excerpt([user(text)]))


def texts_of(words: Words) -> list[bytes]:
    """Of each word its letters, digits or sign, folded."""
    return [words.folded[begin:end].tobytes() for begin, end in zip(words.starts, words.ends, strict=True)]


@given(CONVERSATIONS)
@example([user("a " * 880)])
@example([user("!?" * 880)])
@example([user("\n".join("料1" for _ in range(64))), Turn(False, "A" * 300), user("")])
@example(list(said(*["!" * 300] * 6)))
def test_words_and_patches_are_those_of_a_slow_reading(turns: list[Turn]) -> None:
    seen = excerpt(turns)
    found, (words, patches) = split(seen), oracle.read(seen)
    assert texts_of(found) == [word.text for word in words]
    assert found.kinds.tolist() == [word.kind for word in words]
    assert found.patch.tolist() == [word.patch for word in words]
    assert found.latest.tolist() == [word.piece == len(seen.pieces) - 1 for word in words]
    assert list(zip(found.segments, found.positions, strict=True)) == patches


@given(CONVERSATIONS)
def test_hashes_of_words_and_pairs_are_those_of_plain_integers(turns: list[Turn]) -> None:
    seen = excerpt(turns)
    found, (words, _) = split(seen), oracle.read(seen)
    assert found.hashes.tolist() == [oracle.polynomial(word.text) for word in words]
    assert found.ids.tolist() == [oracle.word_id(word.text) for word in words]
    pairs = [oracle.pair_id(one.text, other.text) for one, other in oracle.pairs(words)]
    assert found.pair_ids.tolist() == pairs


@given(CONVERSATIONS, st.data())
@example([user("a " * 880)], None)
@example([user("abc!" * 440)], None)
def test_ngrams_are_those_of_plain_integers(turns: list[Turn], data: st.DataObject | None) -> None:
    seen = excerpt(turns)
    found, (words, _) = split(seen), oracle.read(seen)
    chosen = [True] * len(words)
    if data is not None:
        chosen = data.draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    hashes, owners, weights = ngrams(found, np.array(chosen, np.bool_))
    got: dict[int, Counter[int]] = {}
    total: Counter[int] = Counter()
    for gram, owner, weight in zip(hashes.tolist(), owners.tolist(), weights.tolist(), strict=True):
        got.setdefault(owner, Counter())[gram] += 1
        total[owner] += weight
    taken = {at: word for at, word in enumerate(words) if chosen[at] and word.kind == oracle.LETTERS}
    assert got == {at: oracle.grams(word.text) for at, word in taken.items()}
    assert all(weight == pytest.approx(1, abs=1e-5) for weight in total.values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Why was I charged £25.00 TWICE?", ["why", "was", "i", "charged", "£", "00", ".", "00", "twice", "?"]),
        ("e-mail: a_b@c.de", ["e", "-", "mail", ":", "a", "_", "b", "@", "c", ".", "de"]),
        ("abc123def", ["abc", "000", "def"]),
        ("ÉCOLE école 料金", ["École", "école", "料金"]),  # beyond ASCII, case stays
        ("a\u00a0b", ["a\u00a0b"]),
        ("\x7f\x00a\x1fb", ["\x7f", "a", "b"]),
        ("\ud83d\ude00", ["?", "?"]),
        (" \n\t\x00", []),
    ],
)
def test_what_a_word_is(text: str, words: list[str]) -> None:
    assert [word.decode() for word in texts_of(words_of(text))] == words


@given(st.text("abcXYZ", min_size=1, max_size=40) | st.sampled_from(["料金", "7", "!", "\x7f"]), CONVERSATIONS)
def test_equal_words_have_equal_hashes_wherever_they_stand(word: str, turns: list[Turn]) -> None:
    found = split(excerpt([*turns, user(f"{word.upper()}\n,{word} .. {word.lower()}")]))
    first, _, second, _, _, third = found.ids[found.latest].tolist()
    assert [first] == [second] == [third] == words_of(word).ids.tolist()


def test_other_words_and_other_orders_have_other_hashes() -> None:
    words = words_of("card cards drac acrd 1 11 a aa aaa ! !! charge charged").ids.tolist()
    assert len(set(words)) == len(words) - 2  # "!!" is twice "!"
    assert set(words_of("not now").pair_ids.tolist()).isdisjoint(words_of("now not").pair_ids.tolist())


@given(st.text("abcdefghij", min_size=1, max_size=3))
def test_a_word_is_no_ngram_of_another(word: str) -> None:
    longer = words_of(f"xx{word}xx")
    hashes, _, _ = ngrams(longer, np.array([True]))
    assert not {*words_of(word).ids.tolist(), *words_of(f"\x01{word}\x01").ids.tolist()} & {*hashes.tolist()}


def test_a_long_word_is_known_by_how_it_begins() -> None:
    one, other = (ngrams(words_of("a" * 24 + end), np.array([True])) for end in ("b" * 9, "cd" * 800))
    assert one[0].tolist() == other[0].tolist()
    assert words_of("a" * 24 + "b").ids != words_of("a" * 24 + "c").ids


@given(CONVERSATIONS)
def test_pairs_stand_within_one_piece(turns: list[Turn]) -> None:
    alone = [split(Excerpt((piece,), 0, 0)).pair_ids.tolist() for piece in excerpt(turns).pieces]
    assert split(excerpt(turns)).pair_ids.tolist() == [one for own in alone for one in own]


@given(CONVERSATIONS)
def test_measures_are_finite_whatever_is_said(turns: list[Turn]) -> None:
    seen = excerpt(turns)
    found = measures(seen, split(seen))
    assert found.shape == (MEASURES,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@pytest.mark.parametrize("text", [*HOSTILE, *SPELLED], ids=lambda text: repr(text[:8]))
def test_hostile_texts_are_read(text: str) -> None:
    seen = excerpt(said(*[text] * 7))
    found = split(seen)
    hashes, owners, weights = ngrams(found, np.ones(len(found.hashes), np.bool_))
    assert len(hashes) == len(owners) == len(weights)
    assert np.isfinite(measures(seen, found)).all()
    assert texts_of(found) == [word.text for word in oracle.read(seen)[0]]


def test_measures_are_of_the_latest_turn() -> None:
    def of(*texts: str) -> list[float]:
        seen = excerpt(said(*texts))
        return [float(one) for one in measures(seen, split(seen))]

    alone, after = of("Is it 5 % of $20?"), of("BIG\n{}[]", "3 + 4", "Is it 5 % of $20?")
    different = [at for at, (one, other) in enumerate(zip(alone, after, strict=True)) if one != other]
    assert len(different) == 2  # how many turns there were, and that there were any


@pytest.mark.row("E12")
@pytest.mark.parametrize("unit", ["word ", "! ", "a1", "\U0001f600 ", "x", "\n"])
def test_a_million_characters_are_no_more_work_than_the_cap(unit: str) -> None:
    found = split(excerpt(said(*[unit * (1_000_000 // len(unit))] * 9)))
    assert len(found.hashes) <= MOST_WORDS[LATEST] + EARLIER_TURNS * max(MOST_WORDS.values())
    assert len(found.segments) <= PATCHES[LATEST] + EARLIER_TURNS * max(PATCHES[EARLIER_USER], PATCHES[EARLIER_OTHER])
    hashes, _, _ = ngrams(found, np.ones(len(found.hashes), np.bool_))
    assert len(hashes) <= 3 * (len(found.folded) + 2 * len(found.hashes))
    assert len(found.folded) + 2 * len(found.hashes) < len(features._POWER)
