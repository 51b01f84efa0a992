"""Which limits a request holds parts of, how much of each, and until when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.decisions import Decision
from signalbox.contracts.quotas import Hold
from signalbox.contracts.runtime import ModelState, Runtime
from signalbox.policy.resolved import Budget, BudgetWindow, Gate, Limit, Policy, Role
from signalbox.quotas.holds import holds
from signalbox.quotas.windows import minute, window
from tests import builders
from tests.unit.quotas.samples import decision, hop

SMALL, LARGE = builders.model("small"), builders.model("large", token_factor=2.0)
ROLE = Role("premium", SMALL, (LARGE,))
NO_RUNTIME = Runtime()
PLAN = decision(hop("small", 30), hop("large", 70))


def policy(*limits: Budget | Limit, **fields: Any) -> Policy:
    return replace(
        builders.policy(builders.route(ROLE)),
        budgets=tuple(one for one in limits if isinstance(one, Budget)),
        limits=tuple(one for one in limits if isinstance(one, Limit)),
        **fields,
    )


def held(made: Policy, plan: Decision = PLAN, runtime: Runtime = NO_RUNTIME, **asked: Any) -> dict[str, Hold]:
    request = builders.request(**({"key_id": "k1"} | asked))
    found = holds(made, request, plan, runtime, builders.NOW)
    by_name = {f"{one.counter} {one.window}": one for one in found}
    assert len(by_name) == len(found), "DynamoDB takes no two writes of one item in a transaction"
    return by_name


@pytest.mark.row("E2")
def test_each_scope_has_a_counter_of_its_own_and_holds_the_worst_price_of_the_whole_plan() -> None:
    made = policy(
        Budget("global", None, "month", 900),
        Budget("caller", None, "day", 800),
        Budget("key", None, "hour", 700),
        Budget("role", None, "day", 600, "cheap"),
        Budget("model", None, "day", 500),
    )
    found = held(made)
    assert {name: (one.amount, one.limit) for name, one in found.items()} == {
        "global microusd#month#2026-11": (100, 900),
        "caller#alice microusd#day#2026-11-21": (100, 800),
        "key#alice#k1 microusd#hour#2026-11-21T12": (100, 700),
        "role#premium microusd#day#2026-11-21": (100, 600),
        "model#small microusd#day#2026-11-21": (30, 500),
        "model#large microusd#day#2026-11-21": (70, 500),
    }
    role = found["role#premium microusd#day#2026-11-21"]
    assert (role.degrade_to, role.label) == ("cheap", "microusd per day of role premium")
    assert {one.measure for one in found.values()} == {"microusd"}


@pytest.mark.row("E2")
def test_a_cap_for_somebody_takes_the_place_of_the_one_for_everybody() -> None:
    made = policy(
        Budget("caller", "alice", "day", 5),
        Budget("caller", None, "day", 800),
        Budget("caller", None, "hour", 80),
        Budget("caller", "bob", "day", 1),
    )
    assert {name: one.limit for name, one in held(made).items()} == {
        "caller#alice microusd#day#2026-11-21": 5,
        "caller#alice microusd#hour#2026-11-21T12": 80,
    }


def test_a_role_that_did_not_decide_is_not_charged() -> None:
    made = policy(Budget("role", "premium", "day", 600), Budget("role", None, "hour", 10))
    assert not held(made, decision(hop("small"), role=None))
    assert list(held(made, decision(hop("small"), role="cheap"))) == ["role#cheap microusd#hour#2026-11-21T12"]


@pytest.mark.row("E2")
def test_rates_count_a_request_once_at_its_first_hop() -> None:
    made = policy(
        Limit("caller", None, requests_per_minute=60, tokens_per_minute=1_000, in_flight=3),
        Limit("key", "k1", requests_per_minute=6),
        Limit("model", None, requests_per_minute=600),
    )
    at = f"minute#{int(builders.NOW.timestamp()) // 60}"
    assert {name: (one.amount, one.limit, one.measure) for name, one in held(made).items()} == {
        f"caller#alice requests#{at}": (1, 60, "requests"),
        f"caller#alice tokens#{at}": (60, 1_000, "tokens"),
        "caller#alice in_flight": (1, 3, "in_flight"),
        f"key#alice#k1 requests#{at}": (1, 6, "requests"),
        f"model#small requests#{at}": (1, 600, "requests"),
    }


def test_a_limit_for_somebody_takes_the_place_of_the_whole_one_for_everybody() -> None:
    made = policy(Limit("caller", "alice", in_flight=9), Limit("caller", None, requests_per_minute=60, in_flight=3))
    assert {name: one.limit for name, one in held(made).items()} == {"caller#alice in_flight": 9}


def test_tokens_are_taken_at_their_upper_bound_in_the_models_own() -> None:
    unsure = PLAN.signals.tokens.model_copy(update={"value": 10, "upper": 13, "exact": False})
    plan = decision(hop("large", input_tokens=20, max_output_tokens=50))
    plan = plan.model_copy(update={"signals": plan.signals.model_copy(update={"tokens": unsure})})
    (one,) = held(policy(Limit("caller", None, tokens_per_minute=1)), plan).values()
    assert one.amount == 20 + 3 * 2 + 50


@pytest.mark.parametrize(
    ("admitted", "declared", "limit"), [(None, None, 8), (3, None, 3), (3, 2, 2), (3, 5, 3), (None, 5, 5)]
)
def test_a_gate_and_a_limit_of_a_model_count_the_same_places(
    admitted: int | None, declared: int | None, limit: int
) -> None:
    limits = [Limit("model", "small", in_flight=declared)] if declared else []
    made = policy(*limits, gates={"small": Gate(1, 8), "large": Gate(1, 1)})
    runtime = Runtime(models={"small": ModelState(admitted=admitted)})
    (one,) = held(made, runtime=runtime).values()
    assert (one.counter, one.window, one.limit, one.resets_at_ms) == ("model#small", "in_flight", limit, None)


def test_nothing_is_held_where_nobody_may_answer() -> None:
    assert not held(policy(Budget("global", None, "day", 1), Limit("caller", None, in_flight=1)), decision())


@pytest.mark.parametrize(
    ("kind", "now", "name", "resets"),
    [
        ("hour", "2026-11-21T23:59:59.999999", "hour#2026-11-21T23", "2026-11-22T00:00:00"),
        ("day", "2026-12-31T23:59:59", "day#2026-12-31", "2027-01-01T00:00:00"),
        ("month", "2026-12-31T23:59:59", "month#2026-12", "2027-01-01T00:00:00"),
        ("month", "2028-02-01T00:00:00", "month#2028-02", "2028-03-01T00:00:00"),
    ],
)
def test_windows_end_exactly(kind: BudgetWindow, now: str, name: str, resets: str) -> None:
    found = window(kind, datetime.fromisoformat(now).replace(tzinfo=UTC))
    at_ms = int(datetime.fromisoformat(resets).replace(tzinfo=UTC).timestamp()) * 1_000
    assert (found.name, found.resets_at_ms) == (name, at_ms)


@given(
    st.sampled_from(["hour", "day", "month"]),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_the_moment_before_the_reset_is_of_the_window_and_the_reset_is_of_the_next(
    kind: BudgetWindow, now: datetime
) -> None:
    for of in (lambda at: window(kind, at), minute):
        found = of(now)
        ends = datetime.fromtimestamp(found.resets_at_ms / 1_000, UTC)
        assert now < ends
        assert of(ends - timedelta(microseconds=1)).name == found.name
        assert of(ends).name != found.name
