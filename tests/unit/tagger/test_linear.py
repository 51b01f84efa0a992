"""The wide halves find the weights that data were made with, and numpy's linear model says what they say."""

import numpy as np
import pytest

from signalbox.tagger.excerpt import excerpt
from signalbox.tagger.features import split
from signalbox.tagger.network import Linear as Shipped
from tests.unit.tagger.texts import user
from workbench.training.linear import Linear, fit_gap, fit_support
from workbench.training.reads import Read, read

pytestmark = pytest.mark.row("B7")

# Of disputes, of compliance, of neither.
TEXTS = ("they charged me twice", "is this legal here", "when do you open", "my order is late")
READS: list[Read] = [read([user(text)]) for text in TEXTS * 10]
ONES = np.ones(len(READS))
WANTED = [np.array([1.0, 0, 0, 0] * 10), np.array([0, 1.0, 0, np.nan] * 10)]


def shipped(linear: Linear, text: str) -> list[float]:
    words = split(excerpt([user(text)]))
    arrays = {name: getattr(linear, name) for name in ("known", "frequency", "weight", "intercept")}
    found: list[float] = Shipped(arrays)(np.concatenate([words.ids, words.pair_ids])).tolist()
    return found


def test_each_output_is_of_its_own_column() -> None:
    found = fit_support(READS, WANTED, ONES).predict(READS[:4])
    assert found.shape == (4, 2)
    assert (found > 0).tolist() == [[True, False], [False, True], [False, False], [False, False]]


def test_what_is_unknown_of_a_column_is_not_learnt_there() -> None:
    known = [WANTED[0], np.where(np.isnan(WANTED[1]), 1.0, WANTED[1])]
    late = READS[3:4]
    assert (
        fit_support(READS, known, ONES).predict(late)[0, 1] > 0 > fit_support(READS, WANTED, ONES).predict(late)[0, 1]
    )


def test_the_words_that_say_most_are_kept() -> None:
    found = fit_support(READS, WANTED, ONES, most=16)
    assert len(found.known) == len(found.frequency) == len(found.weight) == 16
    assert (np.diff(found.known.astype(np.int64)) > 0).all()
    assert (found.predict(READS[:2]) > 0).tolist() == [[True, False], [False, True]]


def test_heavier_examples_count_more() -> None:
    column = [np.array([1.0] * 20 + [0.0] * 20)]  # the same texts, of which half were judged otherwise
    heavy = np.array([3.0] * 20 + [1.0] * 20)
    assert (
        fit_support(READS, column, heavy).predict(READS[:4]).min()
        > fit_support(READS, column, ONES).predict(READS[:4]).max()
    )


def test_a_gap_is_found_again() -> None:
    gaps = np.array([0.8, 0.0, 0.2, 0.4] * 10)
    found = fit_gap(READS, gaps, ONES, ridge=1e-3)
    assert found.predict(READS[:4])[:, 0] == pytest.approx(gaps[:4], abs=0.01)


def test_words_of_an_earlier_turn_are_others() -> None:
    """GIVEN disputes that are over in half of the conversations WHEN something else is asked THEN it is none."""
    over = [read([user("they charged me twice"), user(text)]) for text in TEXTS[1:] * 10]
    wanted = [np.concatenate([column, np.zeros(len(over))]) for column in WANTED]
    linear = fit_support([*READS, *over], wanted, np.ones(len(READS) + len(over)))
    assert linear.marked
    assert linear.predict([READS[0], over[1], over[2]])[:, 0] == pytest.approx([4, -4, -4], abs=3)
    assert not fit_gap(READS, ONES, ONES).marked


@pytest.mark.parametrize("text", [*TEXTS, "they charged me, they charged me twice", "unheard of", ""])
def test_numpy_says_what_was_fitted(text: str) -> None:
    for linear in (fit_support(READS, WANTED, ONES), fit_gap(READS, np.arange(40.0), ONES)):
        assert shipped(linear, text) == pytest.approx(linear.predict([read([user(text)])])[0].tolist(), abs=1e-4)
