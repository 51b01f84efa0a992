"""What follows from a confidence: exact at its boundaries, and never less careful than the terms."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.confidence.verdict import verdict
from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Terms
from signalbox.contracts.evidence import Confidence
from tests.unit.confidence.builders import CALL, reply

TERMS = Terms(accept=0.8, escalate=0.5)
CALLING = reply("", tool_calls=(CALL,), finish_reason="tool_calls")


def of(value: float, terms: Terms = TERMS, given: AdapterReply | None = None) -> str:
    return verdict(Confidence(value=value), terms, given or reply())[0]


@pytest.mark.row("A3")
@pytest.mark.row("C5")
@pytest.mark.parametrize(
    ("value", "follows"),
    [
        (1.0, "accept"),
        (0.8, "accept"),
        (math.nextafter(0.8, 0), "verify"),
        (0.5, "verify"),
        (math.nextafter(0.5, 0), "escalate"),
        (0.0, "escalate"),
    ],
)
def test_the_boundaries_are_exact(value: float, follows: str) -> None:
    assert of(value) == follows


def test_must_verify_accepts_nothing() -> None:
    strict = TERMS.model_copy(update={"must_verify": True})
    assert [of(value, strict) for value in (1.0, 0.8, 0.6, 0.4)] == ["verify", "verify", "verify", "escalate"]
    assert "every reply" in verdict(Confidence(value=1.0), strict, reply())[1]


def test_where_the_two_thresholds_overlap_the_stronger_model_answers() -> None:
    crossed = Terms(accept=0.3, escalate=0.6)
    assert [of(value, crossed) for value in (0.2, 0.45, 0.6)] == ["escalate", "escalate", "accept"]


def test_a_call_of_tools_is_accepted_or_made_anew() -> None:
    assert [of(value, given=CALLING) for value in (0.9, 0.7, 0.3)] == ["accept", "escalate", "escalate"]
    assert of(0.9, TERMS.model_copy(update={"must_verify": True}), CALLING) == "escalate"


@pytest.mark.parametrize(
    "useless",
    [
        reply("I cannot help with that."),
        reply(""),
        reply(refusal="no"),
        reply(finish_reason="content_filter"),
        reply(finish_reason="length"),
    ],
)
def test_what_gives_a_verifier_nothing_is_answered_anew(useless: AdapterReply) -> None:
    assert of(0.99, Terms(accept=0.0, escalate=0.0), useless) == "escalate"


def test_the_reason_is_for_people() -> None:
    doubted = Confidence(value=0.61, contributions={"intercept": -3.0, "prior": 1.0, "self_check": -0.3, "hedges": 0.0})
    assert verdict(doubted, TERMS, reply()) == (
        "verify",
        "confidence 0.610 is under 0.8, most of all for self_check",
    )
    assert verdict(Confidence(value=0.9), TERMS, reply()) == ("accept", "confidence 0.900 reaches 0.8")


terms = st.builds(
    Terms, accept=st.floats(0, 1), escalate=st.floats(0, 1), must_verify=st.booleans(), self_check=st.booleans()
)
CARE: dict[str, int] = {"accept": 0, "verify": 1, "escalate": 2}


@pytest.mark.row("E4")
@given(terms, st.floats(0, 1), st.floats(0, 1), st.sampled_from([reply(), CALLING, reply("")]))
def test_less_sure_is_never_less_careful(given_terms: Terms, one: float, other: float, answer: AdapterReply) -> None:
    low, high = sorted((one, other))
    assert CARE[of(low, given_terms, answer)] >= CARE[of(high, given_terms, answer)]
    if given_terms.must_verify or low < given_terms.accept:
        assert of(low, given_terms, answer) != "accept"


def test_no_argument_is_ignored() -> None:
    cases: list[dict[str, Any]] = [{"accept": 0.9}, {"escalate": 0.85}, {"must_verify": True}]
    for change in cases:
        assert of(0.82) == "accept" != of(0.82, TERMS.model_copy(update=change))
