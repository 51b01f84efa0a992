"""CEL conditions: what they may say, what they read, and how they fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.policy.matchers import MatcherFailed, MatcherInvalid, compile_matcher
from signalbox.signals.variables import BASE_VARIABLES, ENUMS
from tests.unit.policy.samples import shape


@pytest.mark.row("C1")
@pytest.mark.parametrize(
    "spelling", ["convo_length <= 8 && priority == normal", 'convo_length <= 8 && priority == "normal"']
)
@pytest.mark.parametrize(
    ("length", "priority", "holds"), [(8, "normal", True), (9, "normal", False), (8, "high", False)]
)
def test_bare_words_mean_themselves(spelling: str, length: int, priority: str, holds: bool) -> None:
    assert compile_matcher(spelling).matches(shape(convo_length=length, priority=priority)) is holds


BARE = [(name, word) for name, words in ENUMS.items() if name != "intent" for word in words]


@pytest.mark.parametrize(("name", "word"), BARE)
def test_every_word_of_every_signal_stands_bare(name: str, word: str) -> None:
    assert compile_matcher(f"{name} == {word}").matches(shape(**{name: word}))


@pytest.mark.parametrize(
    ("source", "column", "code", "hint"),
    [
        ("prioriy == normal", 1, "unknown_name", "did you mean 'priority'?"),
        ("tier == gold", 9, "unknown_name", 'write it in quotes: "gold"'),
        ("confidence > 1", 12, "wrong_type", "write 1.0"),
        ("4 < entropy", 3, "wrong_type", "write 4.0"),
        ("token_count < 8.5", 13, "wrong_type", "whole number"),
        ("escalation == 'x'", 12, "wrong_type", "stands alone"),
        ("token_count", 1, "wrong_type", "compare it"),
        ("priority == 'hihg'", 13, "not_in_enum", "did you mean 'high'?"),
        ("priority == bounded", 13, "not_in_enum", "known: high, low, normal"),
        ("workload in [chat, 'clasify']", 20, "not_in_enum", "did you mean 'classify'?"),
        ("a b", 3, "matcher_syntax", None),
        ("(" * 99 + "escalation" + ")" * 99, 1, "matcher_syntax", None),
        ("\ud800", 1, "matcher_syntax", None),
    ],
)
def test_faults_name_the_place_and_the_fix(source: str, column: int, code: str, hint: str | None) -> None:
    with pytest.raises(MatcherInvalid) as caught:
        compile_matcher(source)
    fault = caught.value.faults[0]
    assert (fault.line, fault.column, fault.code) == (1, column, code)
    assert (hint is None) == (fault.suggestion is None)
    assert (hint or "") in (fault.suggestion or "")


def test_every_unknown_name_is_reported_with_its_line() -> None:
    with pytest.raises(MatcherInvalid) as caught:
        compile_matcher("escalation &&\n  fo == 1 && ba")
    assert [(f.line, f.column) for f in caught.value.faults] == [(2, 3), (2, 14)]


def test_a_rule_cannot_read_what_is_computed_after_it() -> None:
    with pytest.raises(MatcherInvalid, match="confidence is not known yet"):
        compile_matcher("escalation || confidence > 0.5", BASE_VARIABLES)


@pytest.mark.parametrize(
    ("source", "thresholds", "exact"),
    [
        ("token_count < 2048", (2048,), False),
        ("512 >= token_count && !tail_newline", (512,), False),
        ("token_count < 10 || (token_count > 99 && escalation)", (10, 99), False),
        ("token_count in [7, 9]", (7, 9), False),
        ("token_count + 1 < 5", (), True),
        ("token_count < convo_length", (), True),
        ("token_count < 9 && token_count % 2 == 0", (9,), True),
        ("[1, 2].exists(x, x == token_count)", (), True),
        ("path == 'token_count < 5'", (), False),
    ],
)
def test_token_thresholds_come_from_the_expression_itself(
    source: str, thresholds: tuple[int, ...], exact: bool
) -> None:
    matcher = compile_matcher(source)
    assert (matcher.token_thresholds, matcher.needs_exact_tokens) == (thresholds, exact)


@pytest.mark.parametrize(
    ("source", "signals"),
    [
        ("100 / token_count > 2", {"token_count": 0}),
        ("path.matches(tier)", {"tier": "("}),
        ("hour > 1", {"hour": None}),
    ],
)
def test_what_cannot_be_evaluated_is_an_error_not_false(source: str, signals: dict[str, object]) -> None:
    with pytest.raises(MatcherFailed) as caught:
        compile_matcher(source).matches(shape(**signals))
    assert caught.value.code == "matcher_failed"


def test_a_missing_signal_is_an_error_not_false() -> None:
    with pytest.raises(MatcherFailed, match="no value for hour"):
        compile_matcher("hour > 1").matches({})


@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused_with_a_place(source: str) -> None:
    faults = []
    try:
        matcher = compile_matcher(source)
    except MatcherInvalid as error:
        faults = error.faults
    else:
        assert matcher.source == source
    assert all(fault.line >= 1 and fault.column >= 1 for fault in faults)


@given(st.integers(0, 10_000), st.integers(-5, 10_000))
def test_comparisons_mean_what_python_means(limit: int, count: int) -> None:
    seen = shape(token_count=count)
    assert compile_matcher(f"token_count <= {limit}").matches(seen) is (count <= limit)
    assert compile_matcher(f"{limit} < token_count").matches(seen) is (limit < count)
