"""Which requests may be answered from the cache, and which replies may lie in it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Decision, Hop
from signalbox.contracts.messages import ToolCall
from signalbox.contracts.requests import InferenceRequest, Sampling
from signalbox.idempotency.cache import CacheControl, cache_key, cacheable, directives, worth_keeping
from signalbox.idempotency.keys import fingerprint
from signalbox.policy.resolved import CacheRules, Policy, Role, RosterModel, Route
from tests.builders import model, policy, reply, request, route, signals

ZERO, WARM = Sampling(temperature=0.0), Sampling(temperature=0.7)


def hop(name: str) -> Hop:
    return Hop(
        model=name,
        provider="openai",
        provider_model=f"{name}-exact",
        window_tokens=10_000,
        input_tokens=10,
        max_output_tokens=10,
        worst_cost_microusd=1,
    )


def decision(*models: RosterModel, pinned: bool = False, compliance: bool = False) -> Decision:
    return Decision(
        route="all",
        role="small",
        plan="single",
        pinned=pinned,
        deadline_ms=10_000,
        hops=tuple(hop(one.id) for one in models),
        rejected=(),
        reasons=(),
        signals=signals(needs_compliance_check=compliance),
        policy_version="p",
    )


def setting(
    *models: RosterModel, cache: bool | None = None, deterministic: bool = True, pinned: bool = False
) -> tuple[Route, Policy]:
    one = replace(route(Role("small", models[0], models[1:], pinned=pinned)), cache=cache)
    return one, replace(policy(one), cache=CacheRules(deterministic=deterministic))


def allowed(asked: InferenceRequest, *models: RosterModel, **how: Any) -> bool:
    one, known = setting(*models, **how)
    return cacheable(asked, decision(*models), one, known)


@pytest.mark.row("A12")
@pytest.mark.parametrize(
    ("cache", "deterministic", "sampling", "expected"),
    [
        (True, False, WARM, True),  # the route's word alone
        (False, True, ZERO, False),
        (None, True, ZERO, True),
        (None, True, WARM, False),
        (None, True, Sampling(), False),
        (None, False, ZERO, False),
    ],
)
def test_the_route_decides_and_else_temperature_0(
    cache: bool | None, deterministic: bool, sampling: Sampling, expected: bool
) -> None:
    asked = request(sampling=sampling)
    assert allowed(asked, model("m"), cache=cache, deterministic=deterministic) is expected


@pytest.mark.row("A12")
def test_what_the_caller_asks_goes_before_the_profile() -> None:
    warm = model("warm", sampling=WARM)
    assert not allowed(request(), warm)
    assert allowed(request(sampling=ZERO), warm)


@pytest.mark.row("A12")
def test_a_profile_at_0_is_deterministic() -> None:
    assert allowed(request(), model("m", sampling=ZERO))


@pytest.mark.row("A12")
def test_every_model_that_may_answer_has_to_be_at_0() -> None:
    cold, warm = model("cold", sampling=ZERO), model("warm", sampling=WARM)
    assert [allowed(request(), *models) for models in ((cold,), (cold, warm), (warm, cold))] == [True, False, False]


@pytest.mark.row("A12")
def test_nothing_is_cached_of_a_canary_or_of_a_request_nobody_may_answer() -> None:
    assert not allowed(request(mode="canary"), model("m"), cache=True)
    one, known = setting(model("m"), cache=True)
    assert not cacheable(request(), decision(), one, known)


@pytest.mark.row("E6")
@given(
    bound=st.sampled_from(["decision", "role", "signals"]),
    cache=st.sampled_from([True, None]),
    temperature=st.sampled_from([0.0, 0.7, None]),
)
def test_what_is_compliance_bound_is_never_cached(bound: str, cache: bool | None, temperature: float | None) -> None:
    only = model("m")
    one, known = setting(only, cache=cache, pinned=bound == "role")
    decided = decision(only, pinned=bound == "decision", compliance=bound == "signals")
    assert not cacheable(request(sampling=Sampling(temperature=temperature)), decided, one, known)


CALL = ToolCall(id="c", name="f", arguments="{}")


@pytest.mark.row("A12")
@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"text": "", "tool_calls": (CALL,), "finish_reason": "tool_calls"}, True),
        ({"finish_reason": "length"}, False),
        ({"finish_reason": "content_filter"}, False),
        ({"refusal": "no"}, False),
        ({"text": ""}, False),
    ],
)
def test_a_whole_answer_alone_is_worth_keeping(changed: dict[str, Any], expected: bool) -> None:
    whole = reply("m").reply
    assert isinstance(whole, AdapterReply)
    assert worth_keeping(whole.model_copy(update=changed)) is expected


@pytest.mark.row("A12")
@given(st.tuples(st.text('a\n,[]"', max_size=4), st.text('a\n,[]"', max_size=4), st.text('a\n,[]"', max_size=4)))
def test_what_a_key_is_made_of_never_runs_together(parts: tuple[str, str, str]) -> None:
    caller, version, prefix = parts
    key = cache_key(request(caller=caller), version, prefix)
    for other in {(prefix, version, caller), (version, caller, prefix), (caller + "\n" + version, prefix, "")} - {
        parts
    }:
        assert cache_key(request(caller=other[0]), other[1], other[2]) != key


def test_callers_that_hold_a_newline_share_no_key() -> None:
    assert cache_key(request(caller="a\nb"), "c", "d") != cache_key(request(caller="a"), "b\nc", "d")
    assert cache_key(request(), "p", None) != cache_key(request(), "p", "")


@pytest.mark.row("E1")
def test_the_order_of_names_is_no_other_request() -> None:
    one, other = request(metadata={"a": "1", "b": "2"}), request(metadata={"b": "2", "a": "1"})
    assert fingerprint(one) == fingerprint(other) != fingerprint(request(metadata={"a": "2", "b": "1"}))


@pytest.mark.row("A12")
@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('ext="a,no-store,b"', CacheControl()),
        ('ext="a,no-store,b", no-cache', CacheControl(no_cache=True)),
        (r'ext="a\",no-store,b"', CacheControl()),
        ("max-age=5, max-age=60", CacheControl(max_age_s=5)),
        ("max-age=0", CacheControl(max_age_s=0)),
        ("max-age", CacheControl()),
        ("no store, no-cache", CacheControl(no_cache=True)),
        (",,no-store ,", CacheControl(no_store=True)),
    ],
)
def test_cache_control_with_quotes_repeats_and_nonsense(header: str, found: CacheControl) -> None:
    assert directives(header) == found


@given(st.text(max_size=40))
def test_no_cache_control_header_raises(header: str) -> None:
    assert isinstance(directives(header), CacheControl)
