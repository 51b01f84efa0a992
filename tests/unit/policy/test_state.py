"""Budgets, limits, gates, caching and keeping in a policy: what loads, and what is wrong with it."""

from typing import Any

import pytest

from signalbox.policy.load import PolicyInvalid, parse
from signalbox.policy.problems import Problem
from signalbox.policy.resolved import Budget, CacheRules, Gate, HealthRules, Limit, Retention
from tests.unit.policy.samples import SMALL, found, pointed_at, problems, with_routes

RATES = {"small-1": 1, "large-1": 10}  # micro-dollars a token of output
STATE = """\
budgets:
  - {scope: caller, window: day, cap_microusd: 5000}
  - {scope: caller, of: alice, window: day, cap_microusd: 9000, on_exceeded: "degrade:fast"}
  - {scope: caller, window: month, cap_microusd: 90000, on_exceeded: reject}
  - {scope: role, of: fast, window: hour, cap_microusd: 5000}
  - {scope: model, of: large, window: hour, cap_microusd: 5000}
limits:
  - {scope: caller, requests_per_minute: 60}
  - {scope: model, of: small, tokens_per_minute: 1000, in_flight: 0}
health: {half_life_s: 30, cooling_s: 5, longest_cooling_s: 5}
gates:
  large: {most: 5}
cache: {keep_s: 60, deterministic: true}
retention: {ledger_days: 7, idempotency_hours: 1}
"""


def worst(provider: str, model: str, input_tokens: int, output_tokens: int) -> int | None:
    """SMALL writes 100 tokens at most: 100 micro-dollars by small, 1,000 by large."""
    return RATES[model] * output_tokens if model in RATES else None


def refused(extra: str) -> list[tuple[str, str, Problem]]:
    """What is pointed at, and the code, of each problem that a policy with ``extra`` cannot load for."""
    text = SMALL + extra
    with pytest.raises(PolicyInvalid) as caught:
        parse(text, "policy.yaml")
    return [(pointed_at(text, one), one.code, one) for one in caught.value.problems]


def looked_into(extra: str, **options: Any) -> list[tuple[int, str, str, str]]:
    return found(SMALL + extra, **({"worst": worst} | options))


@pytest.mark.row("A15")
@pytest.mark.row("E2")
def test_what_a_policy_says_of_state() -> None:
    policy = parse(SMALL + STATE, "policy.yaml")
    assert policy.budgets == (
        Budget("caller", None, "day", 5000),
        Budget("caller", "alice", "day", 9000, "fast"),
        Budget("caller", None, "month", 90000),
        Budget("role", "fast", "hour", 5000),
        Budget("model", "large", "hour", 5000),
    )
    assert policy.limits == (
        Limit("caller", None, requests_per_minute=60),
        Limit("model", "small", tokens_per_minute=1000, in_flight=0),
    )
    assert policy.health == HealthRules(half_life_s=30, cooling_s=5, longest_cooling_s=5)
    assert policy.gates == {"large": Gate(least=1, most=5)}
    assert policy.cache == CacheRules(keep_s=60, deterministic=True)
    assert policy.retention == Retention(ledger_days=7, idempotency_hours=1)
    assert problems(SMALL + STATE) == []


def test_a_policy_need_not_speak_of_it() -> None:
    policy = parse(SMALL, "policy.yaml")
    assert (policy.budgets, policy.limits, policy.gates) == ((), (), {})
    assert (policy.health, policy.cache, policy.retention) == (HealthRules(), CacheRules(), Retention())
    assert [(route.cache, route.keep_text) for route in policy.routes] == [(None, False)] * 3


def test_a_route_says_whether_it_repeats_and_keeps() -> None:
    policy = parse(with_routes("{target: large, cache: true, keep_text: true}"), "policy.yaml")
    assert (policy.routes[1].cache, policy.routes[1].keep_text) == (True, True)


@pytest.mark.row("E11")
@pytest.mark.parametrize(
    ("extra", "at", "code", "hint"),
    [
        ("budgets: [{scope: role, of: fsat, window: day, cap_microusd: 1}]", "fsat", "unknown_name", "'fast'"),
        ("budgets: [{scope: model, of: samll, window: day, cap_microusd: 1}]", "samll", "unknown_name", "'small'"),
        ("budgets: [{scope: global, of: all, window: day, cap_microusd: 1}]", "all", "invalid_value", "remove"),
        ("budgets: [{scope: caller, of: '', window: day, cap_microusd: 1}]", "''", "invalid_value", None),
        ("budgets: [{scope: caler, window: day, cap_microusd: 1}]", "caler", "unknown_name", "'caller'"),
        ("budgets: [{scope: caller, window: dya, cap_microusd: 1}]", "dya", "unknown_name", "'day'"),
        ("budgets: [{scope: caller, window: day, cap_microusd: -1}]", "-1", "invalid_value", None),
        ("budgets: [{scope: caller, window: day, cap_microusd: 0.5}]", "0.5", "wrong_type", None),
        ("budgets: [{scope: caller, window: day, cap_microusd: true}]", "true", "wrong_type", None),
        ("budgets: [{scope: caller, window: day}]", "{scope", "missing_field", None),
        ("budgets: [{scope: caller, window: day, cap_microusd: 1, cap: 2}]", "cap: 2", "unknown_field", "cap_microusd"),
        (
            "budgets: [{scope: global, window: day, cap_microusd: 1, on_exceeded: 'degrade:fsat'}]",
            "'degrade:fsat'",
            "unknown_name",
            "'fast'",
        ),
        (
            "budgets: [{scope: global, window: day, cap_microusd: 1, on_exceeded: 'degrade:'}]",
            "'degrade:'",
            "invalid_value",
            None,
        ),
        ("limits: [{scope: role, of: fast, in_flight: 1}]", "role", "unknown_name", None),
        ("limits: [{scope: model, of: lagre, in_flight: 1}]", "lagre", "unknown_name", "'large'"),
        ("limits: [{scope: caller, in_flight: -1}]", "-1", "invalid_value", None),
        ("gates: {lagre: {most: 5}}", "lagre", "unknown_name", "'large'"),
        ("gates: {large: {most: 0}}", "0", "invalid_value", None),
        ("gates: {large: {least: 6, most: 5}}", "{least", "invalid_value", None),
        ("health: {longest_cooling_s: 5}", "5", "invalid_value", None),
        ("health: {cooling_s: 600}", "600", "invalid_value", None),
        ("health: {error_rate: 0}", "0", "invalid_value", None),
        ("health: {error_rat: 0.1}", "error_rat", "unknown_field", "'error_rate'"),
        ("cache: {keep_s: 0}", "0", "invalid_value", None),
        ("cache: {deterministic: maybe}", "maybe", "wrong_type", None),
        ("retention: {ledger_days: 0}", "0", "invalid_value", None),
        ("retentoin: {}", "retentoin", "unknown_field", "'retention'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(extra: str, at: str, code: str, hint: str | None) -> None:
    ((pointed, found_code, problem),) = refused(extra + "\n")
    assert (problem.line, found_code) == (len(SMALL.splitlines()) + 1, code)
    assert pointed.startswith(at)
    assert hint is None or hint in (problem.suggestion or "")


@pytest.mark.row("E11")
@pytest.mark.parametrize(
    ("part", "one", "other"),
    [
        ("budgets", "scope: caller, window: day, cap_microusd: 1", "scope: caller, window: day, cap_microusd: 2"),
        ("limits", "scope: model, of: small, in_flight: 1", "scope: model, of: small, requests_per_minute: 2"),
    ],
)
def test_two_for_the_same_are_one_too_many(part: str, one: str, other: str) -> None:
    ((pointed, code, problem),) = refused(f"{part}:\n  - {{{one}}}\n  - {{{other}}}\n")
    assert (code, problem.line) == ("duplicate_name", len(SMALL.splitlines()) + 3)
    assert pointed.startswith("{scope")


@pytest.mark.row("E2")
@pytest.mark.row("E11")
@pytest.mark.parametrize(
    ("budget", "least"),
    [
        ("scope: global", 1_100),  # role fast: small and large
        ("scope: caller", 1_100),
        ("scope: caller, of: alice", 1_100),
        ("scope: key", 1_100),
        ("scope: role", 1_100),
        ("scope: role, of: fast", 1_100),
        ("scope: role, of: compliance", 1_000),
        ("scope: model, of: small", 100),
        ("scope: model", 1_000),
    ],
)
def test_a_cap_that_no_request_has_room_under(budget: str, least: int) -> None:
    def rows(cap: int) -> list[tuple[int, str, str, str]]:
        return looked_into(f"budgets:\n  - {{{budget}, window: day, cap_microusd: {cap}}}\n")

    line = len(SMALL.splitlines()) + 2
    assert rows(least) == []
    assert rows(least - 1) == [(line, str(least - 1), "warning", "cap_too_small")]
    assert rows(0) == []  # lets nothing through on purpose
    assert looked_into(f"budgets:\n  - {{{budget}, window: day, cap_microusd: 1}}\n", worst=None) == []


@pytest.mark.row("E2")
@pytest.mark.row("E11")
@pytest.mark.parametrize(
    ("budget", "target", "code"),
    [
        ("scope: role, of: fast", "compliance", "degrade_pinned"),
        ("scope: role, of: fast", "fast", "degrade_same"),
        ("scope: model, of: large", "fast", "degrade_same"),
        ("scope: role, of: tiny", "fast", "degrade_dearer"),
        ("scope: global", "fast", "degrade_dearer"),
        ("scope: global", "tiny", None),
        ("scope: role, of: fast", "tiny", None),
        ("scope: model, of: large", "tiny", None),
        ("scope: role", "tiny", None),
    ],
)
def test_what_a_cap_degrades_to_must_help(budget: str, target: str, code: str | None) -> None:
    text = with_routes("{matcher: token_count <= 512, target: tiny}", "{target: fast}").replace(
        "roles:\n", "roles:\n  tiny: {pin: small}\n"
    )
    text += f"budgets:\n  - {{{budget}, window: day, cap_microusd: 9999, on_exceeded: 'degrade:{target}'}}\n"
    rows = [(one.severity, one.code) for one in problems(text, worst=worst)]
    assert rows == ([("error", code)] if code else [])


@pytest.mark.row("E11")
def test_a_limit_that_limits_nothing() -> None:
    line = len(SMALL.splitlines()) + 2
    assert looked_into("limits:\n  - {scope: caller}\n") == [(line, "{scope", "error", "empty_limit")]
    assert looked_into("limits:\n  - {scope: caller, in_flight: 0}\n") == []


@pytest.mark.row("E6")
@pytest.mark.row("E11")
@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("cache: true", [(10, "true", "error", "never_cached")]),
        ("cache: false", []),
        ("keep_text: true", [(10, "true", "warning", "keeps_text")]),
    ],
)
def test_what_is_pinned_is_not_cached_and_better_not_kept(field: str, expected: list[Any]) -> None:
    pinned = "matcher: needs_compliance_check, target: compliance"
    assert found(SMALL.replace(pinned, f"{pinned}, {field}")) == expected
    assert found(SMALL.replace("name: rest, target: large", f"name: rest, target: large, {field}")) == []
