"""Variants change how a request is said and not what is asked; the held-out ones are other ones."""

import random
import string
from collections import Counter
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.tagger.excerpt import Turn
from tests.unit.tagger.texts import user
from workbench.training import augment
from workbench.training.augment import in_conversation, recased, tasks, typos, variants, wrapped, wrappers
from workbench.training.corpus import Example

pytestmark = pytest.mark.row("B7")

LETTERS = st.text(st.characters(categories=["Ll", "Lu", "Nd", "Po", "Zs"]), max_size=120)
SEEDS = st.integers(0, 1 << 32)
KINDS = ("before", "after", "injected")
TRAIN, HELD_OUT = wrappers("train"), wrappers("held_out")


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - not for secrets


def matter(text: str, label: str = "banking77/request_refund", turns: tuple[Turn, ...] = ()) -> Example:
    return Example("banking77", (*turns, user(text)), label, billing_dispute=True, complexity="bounded", gap=0.25)


EXAMPLES = [
    *(matter(f"I was charged twice for order {at}, why?") for at in range(30)),
    *(
        Example("written", (user(text),), label)
        for text, label in (("yes", "written/yes"), ("4711", "written/content_only"))
    ),
    Example("written", (user("hello"),), "written/greeting"),
]


@given(LETTERS, SEEDS, st.sampled_from([0.06, 0.5, 1.0]))
def test_typos_change_the_length_of_a_word_by_one_at_most(text: str, seed: int, rate: float) -> None:
    words, misspelt = text.split(" "), typos(text, chance(seed), rate).split(" ")
    for word, other in zip_longest(words, misspelt, fillvalue=""):
        assert abs(len(word) - len(other)) <= 1
        assert word == other or len(word) > 3
        assert word[:1] == other[:1]


def test_about_as_many_words_are_misspelt_as_asked_for() -> None:
    text = "refund " * 5_000
    changed = [word for word in typos(text, chance(1), 0.1).split() if word != "refund"]
    assert 400 < len(changed) < 600
    assert {len(word) for word in changed} == {5, 6, 7}
    assert typos(text, chance(1), 0.0) == text


@given(LETTERS, SEEDS)
def test_the_same_seed_makes_the_same_text(text: str, seed: int) -> None:
    for change in (typos, recased, lambda text, seeded: wrapped(text, TRAIN, seeded)):
        assert change(text, chance(seed)) == change(text, chance(seed))


@given(st.text(string.printable + "éÜ", max_size=120), SEEDS)
def test_recasing_changes_case_alone(text: str, seed: int) -> None:
    assert recased(text, chance(seed)).casefold() == text.casefold()


@given(SEEDS)
def test_what_is_put_around_a_text_leaves_it_whole(seed: int) -> None:
    found = wrapped("the request", HELD_OUT, chance(seed))
    before, asked, behind = found.partition("the request")
    assert asked
    assert before + behind in {text for kind in KINDS for text in HELD_OUT[kind]}


@pytest.mark.parametrize("around", [TRAIN, HELD_OUT], ids=["train", "held_out"])
def test_wrappers_join_to_a_text_with_a_space_or_a_sign(around: dict[str, list[str]]) -> None:
    assert set(around) == set(KINDS)
    assert all(text.endswith(" ") for text in around["before"])
    assert not any(text.endswith(" ") for text in around["after"])
    assert all(text.startswith(" ") != text.endswith(" ") for text in around["injected"])


def test_none_of_the_held_out_wrappers_is_trained_on() -> None:
    train, held_out = (
        {text.strip(" .!,").casefold() for kind in KINDS for text in around[kind]} for around in (TRAIN, HELD_OUT)
    )
    assert len(train) > 40
    assert len(held_out) > 15
    assert train.isdisjoint(held_out)


def test_variants_come_of_the_train_wrappers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(part: str) -> dict[str, list[str]]:
        assert part == "train"
        return {kind: [" <wrapper>"] for kind in KINDS}

    monkeypatch.setattr(augment, "wrappers", of)
    assert any("<wrapper>" in one.turns[-1].text.lower() for one in variants(EXAMPLES, 1.0, 3))


def test_a_variant_is_judged_as_its_example_and_is_of_its_latest_turn() -> None:
    before = (user("hello"), Turn(False, "How can I help?"))
    examples = [matter(f"I was charged twice for order {at}, why?", turns=before) for at in range(50)]
    made = list(variants(examples, 1.0, 3))
    assert 25 < len(made) <= len(examples)
    asked = {one.turns[-1].text for one in examples}
    for one in made:
        assert one.turns[:-1] == before
        assert one.turns[-1].user
        assert one.turns[-1].text not in asked
        assert (one.label, one.billing_dispute, one.complexity, one.gap) == (examples[0].label, True, "bounded", 0.25)


def test_variants_are_seeded_and_of_at_most_the_share_asked_for() -> None:
    examples = EXAMPLES * 20
    made = list(variants(examples, 0.3, 3))
    assert made == list(variants(examples, 0.3, 3))
    assert made != list(variants(examples, 0.3, 4))
    assert 0.15 < len(made) / len(examples) < 0.4


def test_in_a_conversation_an_answer_takes_the_label_of_what_it_is_about() -> None:
    made = list(in_conversation(EXAMPLES, 200, 3))
    assert made == list(in_conversation(EXAMPLES, 200, 3))
    assert len(made) == 200
    assert {one.label for one in made} == {"banking77/request_refund"}
    assert {one.billing_dispute for one in made} == {True}
    assert all(one.turns[-1].user for one in made)
    latest = {one.turns[-1].text for one in made}
    assert {"yes", "4711"} < latest
    assert any("charged twice" in text for text in latest)
    assert all(any("charged twice" in turn.text for turn in one.turns) for one in made)


def test_tasks_are_a_third_of_each_about_texts_of_others() -> None:
    made = list(tasks(EXAMPLES, 90, 3))
    assert made == list(tasks(EXAMPLES, 90, 3))
    assert Counter(one.workload for one in made) == {"classify": 30, "extract": 30, "summarize": 30}
    for one in made:
        (turn,) = one.turns
        assert "charged twice for order" in turn.text
        assert "{body}" not in turn.text
        assert (one.label, one.billing_dispute, one.compliance) == ("task/other", False, False)
