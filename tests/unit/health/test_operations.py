"""``GET /v1/health`` and ``POST /v1/metrics`` as API Gateway calls them."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.operations import health, metrics
from signalbox.contracts.errors import NotFound
from signalbox.contracts.runtime import ModelState
from signalbox.policy.resolved import Role
from tests.builders import FakeClock, model, policy, prices, route
from tests.fakes.health import FakeHealth

A, B = model("a"), model("b")
STATES = {"a": ModelState(circuit="cooling", shut_until_ms=2_000_000, latency_ms=420)}


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    here = policy(route(Role("fast", A, (B,))))
    services = SimpleNamespace(policy=here, prices=prices(A, B), health=FakeHealth(STATES), clock=FakeClock())
    for operation in (health, metrics):
        monkeypatch.setattr(operation, "services", lambda: services)


def event(body: Any = None) -> APIGatewayProxyEvent:
    context = {"requestId": "g1", "authorizer": {"caller": "alice"}, "requestTimeEpoch": 1}
    headers = {"content-type": "application/json"}
    return APIGatewayProxyEvent(
        {"path": "/v1/x", "headers": headers, "body": json.dumps(body), "requestContext": context}
    )


@pytest.mark.row("B10")
def test_health_is_told_without_a_caller() -> None:
    told = json.loads(str(health.run(event()).body))
    assert told["models"]["a"] == {"state": "cooling", "until": "1970-01-01T00:33:20.000+00:00"}
    assert told["status"] == "ok"


@pytest.mark.row("A10")
def test_metrics_are_quoted() -> None:
    told = json.loads(str(metrics.run(event({"model": "fast", "tokens": 1_200})).body))
    assert (told["cost_tokens_usd"], told["latency_ms"]) == (0.0012, 420)
    with pytest.raises(NotFound):
        metrics.run(event({"model": "nobody", "tokens": 1}))
