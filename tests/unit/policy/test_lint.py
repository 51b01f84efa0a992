"""What ``policy check`` finds in a policy that loads."""

from datetime import date
from importlib.resources import files

import pytest

from signalbox.policy.entities import unbounded_neighbours, unbounded_nesting
from signalbox.policy.lint import check
from signalbox.policy.problems import Problem
from tests.unit.policy.samples import SMALL, TODAY, found, problems, with_routes

pytestmark = pytest.mark.row("E11")
REST = "{name: rest, target: large}"


def test_a_sound_policy_has_no_problems() -> None:
    assert problems(SMALL) == []


@pytest.mark.row("E8")
@pytest.mark.parametrize(
    ("retires", "expected"),
    [
        ("2026-11-20", ("error", "retired")),
        ("2026-11-21", ("error", "retired")),
        ("2026-11-22", ("warning", "retires_soon")),
        ("2027-01-20", ("warning", "retires_soon")),
        ("2027-01-21", None),
    ],
)
def test_retirement_counts_from_its_first_day(retires: str, expected: tuple[str, str] | None) -> None:
    text = SMALL.replace("model: small-1", f"retires: {retires}, model: small-1")
    assert found(text) == ([(7, "small", *expected)] if expected else [])


def test_retirement_names_every_pin_and_warns_of_fallbacks() -> None:
    text = SMALL.replace("model: large-1", "retires: 2026-01-01, model: large-1")
    assert found(text) == [
        (7, "large", "warning", "retired"),
        (8, "large", "error", "retired"),
        (12, "large", "error", "retired"),
    ]
    assert "(line 5)" in problems(text)[0].message
    assert problems(text, now=date(2025, 6, 1)) == []


def test_a_model_without_a_price_is_an_error() -> None:
    assert found(SMALL, prices=lambda provider, model: (provider, model) == ("openai", "small-1")) == [
        (5, "large-1", "error", "unpriced")
    ]


@pytest.mark.row("C6")
@pytest.mark.parametrize(
    "parameter",
    ["temperature: 0.1", "top_p: 0.5", "frequency_penalty: 1.0", "presence_penalty: 1.0", "stop: [x]", "seed: 0"],
)
def test_a_profile_must_suit_its_model(parameter: str) -> None:
    text = SMALL.replace('system_prompt: "Be brief."', parameter)
    assert found(text) == [(4, "plain", "error", "unsupported_parameter")]
    features = "features: [temperature, top_p, penalties, stop, seed], profile: plain"
    assert problems(text.replace("profile: plain", features)) == []


def test_fallbacks_are_others() -> None:
    text = SMALL.replace("fallbacks: [large]", "fallbacks: [small, large, large]")
    assert found(text) == [(7, "small", "error", "fallback_is_pin"), (7, "large", "error", "duplicate_fallback")]


def test_what_nobody_uses_is_a_warning() -> None:
    text = SMALL.replace("roles:\n", "roles:\n  idle: {pin: small}\n").replace("profiles:\n", "profiles:\n  odd: {}\n")
    text = text.replace(
        "roster:\n", "roster:\n  spare: {provider: openai, model: s, window_tokens: 9, output_cap_tokens: 9}\n"
    )
    assert [row[2:] for row in found(text)] == [("warning", "unused")] * 3


@pytest.mark.parametrize(
    ("pattern", "bad"),
    [
        (r"(a+)+b", True),
        (r"(?:\w*-)*x", True),
        (r"((ab)?c*){2,}", True),
        (r"(?=(a+)*)b", True),
        (r"\b[A-Z]{2,}-\d+\b", False),
        (r"(?:[A-Z]{1,8}-)+", False),
        (r"(", False),
    ],
)
def test_patterns_that_could_take_exponential_time(pattern: str, bad: bool) -> None:
    assert unbounded_nesting(pattern) is bad
    if pattern != "(":
        rows = [(one.line, one.severity, one.code) for one in problems(f"entities:\n  it: '{pattern}'\n{SMALL}")]
        assert rows == ([(2, "error", "entity_backtracking")] if bad else [])


@pytest.mark.parametrize(
    "pattern",
    [
        r"\s*\s*x",
        r"\w+\d+x",
        r"\w+?\w+?x",
        r"\d+,?\d+x",
        r"\w*a\w*x",
        r"\w*ab\w*x",
        r"(\d+){1,3}x",
        r"(?:a+|b)a+x",
        r"(?:x|\w+\d+)y",
        r"\w+\b\w+!",
        r"(a+)\1+b",
        r"(?i)[a-z]+[A-Z]+1",
        "\xe9+[\xe0-\xfc]+x",
    ],
)
def test_patterns_that_could_take_quadratic_time(pattern: str) -> None:
    assert unbounded_neighbours(pattern)
    rows = [(one.line, one.severity, one.code) for one in problems(f"entities:\n  it: '{pattern}'\n{SMALL}")]
    assert rows == [(2, "error", "entity_backtracking")]


@pytest.mark.parametrize(
    "pattern",
    [
        r"\w+@\w+",
        r"[\w.-]+@[\w-]+\.[a-z]+",
        r"[\w.]+\.[a-z]+",
        r"\b[A-Z]{2,}-\d+\b",
        r"[a-z]+\d+[a-z]+",
        r"\w++\w+x",
        r"(?>\w+)\w+x",
        r"(?=\w+x)\w+",
        r"\w{1,5}\w+",
        r"(?i)[a-z]+[0-9]+",
        r"(",
    ],
)
def test_patterns_whose_repeats_are_told_apart(pattern: str) -> None:
    assert not unbounded_neighbours(pattern)


def test_a_route_that_others_always_precede_is_unreachable() -> None:
    rows = [
        "{matcher: 'token_count < 512', target: fast}",
        "{matcher: 'token_count <= 511 && has_code', target: fast}",
        REST,
    ]
    assert found(with_routes(*rows)) == [(12, "{matcher", "error", "unreachable")]


def test_paths_count_for_reachability() -> None:
    rows = [
        "{path: /v1/chat, target: large}",
        "{path: /v1/chat/completions, target: fast}",
        "{path: /v1/infer, target: fast}",
    ]
    assert [(row[0], row[3]) for row in found(with_routes(*rows))] == [(12, "unreachable")]


@pytest.mark.parametrize("matcher", ["token_count < 5 && token_count > 9", "false", "confidence > 1.0", "hour == 24"])
def test_a_condition_that_never_holds(matcher: str) -> None:
    rows = problems(with_routes(f"{{matcher: '{matcher}', target: fast}}", REST))
    assert [(one.line, one.column, one.severity, one.code) for one in rows] == [(11, 15, "error", "always_false")]


def test_a_condition_that_may_fail_is_an_error_with_a_witness() -> None:
    text = with_routes("{matcher: '100 / convo_length > token_count', target: fast}", REST)
    problem = next(one for one in problems(text) if one.code == "matcher_fails")
    assert (problem.line, problem.column) == (11, 15)
    assert "convo_length=0" in (problem.suggestion or "")


def test_rules_are_checked_as_routes_are() -> None:
    rules = "confidence:\n  - {when: 'entropy > 4.0', is: 0.2}\n  - {when: 'entropy > 5.0', is: 0.1}\n  - {is: 0.9}\n"
    assert found(rules + SMALL) == [(3, "{when", "error", "unreachable")]


@pytest.mark.parametrize(
    ("routes", "witness"),
    [
        (["{matcher: 'token_count < 2048', target: large}"], "token_count=2048"),
        (
            ["{matcher: 'convo_length <= 8', target: large}",
             "{matcher: 'convo_length > 8 && token_count < 2048', target: large}"],
            "convo_length=9 token_count=2048",
        ),
        (["{path: /v1/chat, target: large}"], "path=/v1/infer"),
        (["{matcher: 'entropy < 4.5', target: large}", "{matcher: 'entropy > 4.5', target: large}"], "entropy=4.5"),
        (["{matcher: 'priority != low', target: large}"], "priority=low"),
    ],
)  # fmt: skip
def test_what_no_route_covers_is_shown(routes: list[str], witness: str) -> None:
    problem = next(one for one in problems(with_routes(*routes)) if one.code == "uncovered")
    assert (problem.line, problem.column, problem.severity) == (9, 1, "error")
    assert witness in problem.message


@pytest.mark.row("E6")
def test_a_compliance_bound_request_may_only_reach_a_pin() -> None:
    text = SMALL.replace("matcher: needs_compliance_check", "matcher: 'needs_compliance_check && hour < 18'")
    rows = [one for one in problems(text) if one.code == "compliance_unpinned"]
    assert [(one.line, one.severity) for one in rows] == [(11, "error"), (12, "error")]
    assert all("needs_compliance_check=true" in one.message and "hour=18" in one.message for one in rows)


@pytest.mark.row("E6")
def test_a_policy_that_does_not_speak_of_compliance_is_not_safe() -> None:
    text = SMALL.replace("  - {name: pinned, matcher: needs_compliance_check, target: compliance}\n", "")
    assert {one.code for one in problems(text)} == {"compliance_unpinned", "unused"}


def test_sizes_beyond_the_role_that_another_model_could_take() -> None:
    """small holds 900 tokens of input beside its 100 of output; large 8,900."""
    rows = problems(
        with_routes(
            "{matcher: has_code, target: small}",
            REST,
        )
        + ""
    )
    assert [(one.line, one.code, one.severity) for one in rows if one.code == "beyond_window"] == [
        (11, "beyond_window", "warning")
    ]
    assert any("token_count=901 " in one.message for one in rows)
    bounded = problems(with_routes("{matcher: has_code && token_count <= 900, target: small}", REST))
    assert not [one for one in bounded if one.code == "beyond_window"]


def test_a_space_too_large_is_sampled_and_said_to_be() -> None:
    names = ["tail_newline", "has_code", "has_tools", "escalation"]
    words = "priority == high && workload == extract && mode == canary && complexity == trivial"
    numbers = (
        "token_count in [1, 3, 5, 7, 9, 11] && convo_length in [1, 3, 5, 7, 9] && distinct_entities in [1, 3, 5, 7, 9]"
    )
    narrow = " && ".join([*names, words, numbers])
    rows = problems(
        with_routes(
            f"{{matcher: '{narrow}', target: fast}}", "{matcher: 'token_count in [1] && false', target: fast}", REST
        )
    )
    assert [(one.line, one.severity, one.code) for one in rows] == [(12, "warning", "always_false")]
    assert "shapes tried" in rows[0].message


def test_checks_are_repeatable() -> None:
    text = with_routes("{matcher: 'token_count % 7 == 3 && convo_length < 9', target: fast}")
    assert problems(text) == problems(text)
    assert [one.code for one in problems(text, now=TODAY) if one.severity == "error"] == ["uncovered"]


def _changed(old: str, new: str) -> list[Problem]:
    text = (files("signalbox.policy") / "model-routing.yaml").read_text("utf-8")
    assert old in text
    return check(text.replace(old, new, 1), "p.yaml", date(2026, 11, 21), lambda *_: True)


def test_a_path_that_the_api_does_not_serve_is_named() -> None:
    (problem,) = _changed("  - name: trivial\n", "  - name: trivial\n    path: /v1/chta\n")
    assert (problem.code, problem.severity) == ("unknown_path", "error")
    assert "/v1/chat" in (problem.suggestion or "")


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [("provider: bedrock", "provider: bedrok", "bedrock"), ("is: trivial", "is: trivail", "trivial")],
)
def test_a_word_that_is_nearly_right_is_suggested(old: str, new: str, meant: str) -> None:
    assert any(meant in (problem.suggestion or "") for problem in _changed(old, new))


def test_a_size_that_a_role_promises_and_cannot_take_is_an_error() -> None:
    old = "  balanced: {pin: gpt-6-1-terra, fallbacks: [gemini-3-8-flash, claude-sonnet-5-5]}"
    small = "  tiny: {provider: openai, model: gpt-4.1, window_tokens: 5000, output_cap_tokens: 1000}\n\nroles:"
    text = (files("signalbox.policy") / "model-routing.yaml").read_text("utf-8")
    text = text.replace(old, "  balanced: {pin: tiny}").replace("roles:", small, 1)
    listed = check(text, "p.yaml", date(2026, 11, 21), lambda *_: True)
    assert ("beyond_window", "error") in [(problem.code, problem.severity) for problem in listed]
