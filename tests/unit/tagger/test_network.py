"""The network in numpy computes what it would patch by patch; known hashes are found and unknown ones are not."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from signalbox.tagger.excerpt import Turn, excerpt
from signalbox.tagger.network import LINEAR, Index, Network
from tests.unit.tagger import oracle, tiny
from tests.unit.tagger.slow_network import SlowNetwork
from tests.unit.tagger.texts import CONVERSATIONS, said, user

pytestmark = pytest.mark.row("A2")

ARRAYS = tiny.arrays()
FAST, SLOW = Network(ARRAYS), SlowNetwork(ARRAYS)
KNOWN = [word.decode() for word in (*tiny.WORDS, *tiny.TAKEN_APART)]
SPOKEN = st.lists(
    st.builds(Turn, st.booleans(), st.lists(st.sampled_from(KNOWN), max_size=50).map(" ".join)), min_size=1, max_size=6
)


def assert_equal(turns: Sequence[Turn], fast: Network = FAST, slow: SlowNetwork = SLOW) -> None:
    seen = excerpt(turns)
    found, wanted = fast(seen), slow(seen)
    assert found.keys() == wanted.keys()
    for name in wanted:
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], wanted[name], rtol=2e-4, atol=2e-4, err_msg=name)


@settings(max_examples=40, deadline=None)
@given(CONVERSATIONS)
@example([])
@example([user("!" * 600)])
@example(list(said(*["why was i charged twice? " * 80] * 5)))
def test_any_conversation_is_computed_as_patch_by_patch(turns: list[Turn]) -> None:
    assert_equal(turns)


@settings(max_examples=40, deadline=None)
@given(SPOKEN)
def test_known_words_pairs_and_ngrams_are_computed_as_patch_by_patch(turns: list[Turn]) -> None:
    assert_equal(turns)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 1_000), SPOKEN)
def test_whatever_the_weights(seed: int, turns: list[Turn]) -> None:
    arrays = tiny.arrays(seed)
    assert_equal(turns, Network(arrays), SlowNetwork(arrays))


def test_a_head_gives_as_many_logits_as_it_has_outputs() -> None:
    found = FAST(excerpt([user("why?")]))
    assert {name: value.shape for name, value in found.items()} == {
        **{name: (count,) for name, count in tiny.HEADS.items()},
        "linear.gap": (1,),
        "linear.billing_dispute": (1,),
        "linear.compliance": (1,),
    }


def test_computing_changes_no_weight() -> None:
    arrays = {name: value.astype(np.float32) if value.dtype == np.float16 else value for name, value in ARRAYS.items()}
    before = {name: value.copy() for name, value in arrays.items()}
    first, again = (Network(arrays)(excerpt([user("why was i charged twice?")])) for _ in range(2))
    assert all((first[name] == again[name]).all() for name in first)
    assert all((arrays[name] == value).all() for name, value in before.items())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("why was i charged", "was why i charged"),  # order
        ("card", "cards"),  # an unknown word, by its n-grams
        ("yes", "yes yes"),
        ("?", "!"),
    ],
)
def test_what_differs_is_told_apart(one: str, other: str) -> None:
    first, second = (FAST(excerpt([user(text)])) for text in (one, other))
    assert any(abs(first[name] - second[name]).max() > 0.01 for name in tiny.HEADS)


def test_a_text_is_read_with_those_before_it_and_with_who_said_them() -> None:
    def logits(*turns: Turn) -> list[float]:
        return [float(one) for one in FAST(excerpt(turns))["label"]]

    alone = logits(user("yes"))
    after, by_agent = (logits(Turn(speaker, "why was i charged twice?"), user("yes")) for speaker in (True, False))
    assert alone != after != by_agent != alone


# Few low bits, so that most collide.
CROWDED = st.builds(lambda high, low: high << 18 | low, st.integers(0, 5), st.sampled_from([0, 1, 2, (1 << 18) - 1]))
IDS = CROWDED | st.integers(0, (1 << 32) - 1)


@given(st.sets(IDS, min_size=1, max_size=40), st.lists(IDS, max_size=40))
def test_rows_are_those_of_a_dictionary(known: set[int], asked: list[int]) -> None:
    ids = sorted(known)
    rows = {one: at for at, one in enumerate(ids)}
    wanted = [*asked, *ids, *(one ^ 1 << 31 for one in ids)]
    found = Index(np.array(ids, np.uint32)).rows(np.array(wanted, np.uint32))
    assert found.tolist() == [rows.get(one, -1) for one in wanted]


def test_nothing_asked_is_nothing_found() -> None:
    assert Index(np.array([7], np.uint32)).rows(np.array([], np.uint32)).tolist() == []


def test_more_hashes_than_sixteen_bits_count() -> None:
    known = np.unique(np.random.default_rng(0).integers(0, 1 << 32, 90_000, np.uint32))
    assert len(known) > 1 << 16
    index = Index(known)
    assert (index.rows(known) == np.arange(len(known))).all()
    unknown = known + np.uint32(1)
    assert (index.rows(unknown[~np.isin(unknown, known)]) == -1).all()


@given(SPOKEN)
@example([user("料金 nothing else is known")])
@example([user("")])
def test_the_wide_halves_are_sums(turns: list[Turn]) -> None:
    seen = excerpt(turns)
    found, words = FAST(seen), oracle.read(seen)[0]
    for name, outputs in LINEAR.items():
        for at, output in enumerate(outputs):
            wanted = SLOW.linear(words, len(seen.pieces), name, at)
            assert found[f"linear.{output}"].tolist() == pytest.approx([wanted], rel=1e-4, abs=1e-5)


def test_where_no_word_is_known_they_are_their_intercepts() -> None:
    found = FAST(excerpt([user("xyzzy")]))
    wanted = {"gap": 0.125, "billing_dispute": -1.5, "compliance": -2.0}
    assert {name: float(found[f"linear.{name}"][0]) for name in wanted} == wanted
