"""What ``GET /v1/health`` tells anybody."""

import json
from datetime import date

import pytest

from signalbox.contracts.runtime import ModelState, Runtime
from signalbox.health.render import as_json
from signalbox.policy.resolved import Role
from tests.builders import NOW, model, policy, route

A, B = model("a"), model("b")
POLICY = policy(route(Role("fast", A, (B,))))
COOLING = ModelState(
    circuit="cooling", shut_until_ms=round(NOW.timestamp() * 1_000) + 1_500, attempts=7, error_rate=0.625, admitted=3
)


@pytest.mark.row("B10")
def test_each_models_state_and_no_figures() -> None:
    told = as_json(POLICY, Runtime(models={"a": COOLING, "b": ModelState(circuit="probing")}), NOW)
    assert told == {
        "status": "ok",
        "policy_version": "0123456789ab",
        "models": {
            "a": {"state": "cooling", "until": "2026-11-21T12:00:01.500+00:00"},
            "b": {"state": "probing", "until": None},
        },
    }
    assert "0.625" not in json.dumps(told)


@pytest.mark.row("B10")
def test_a_role_without_a_model_is_told() -> None:
    both = Runtime(models={"a": COOLING, "b": COOLING})
    assert as_json(POLICY, both, NOW)["status"] == "degraded"
    retired = policy(route(Role("fast", A, (model("b", retires=date(2026, 11, 21)),))))
    assert as_json(retired, Runtime(), NOW)["status"] == "ok"
    assert as_json(retired, Runtime(models={"a": COOLING}), NOW)["status"] == "degraded"
