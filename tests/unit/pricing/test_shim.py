"""What a call costs and how long it takes, for somebody who only asks."""

from typing import Any

import pytest

from signalbox.contracts.errors import BadRequest, NotFound
from signalbox.contracts.runtime import ModelState, Runtime
from signalbox.dialects.metrics import parse_metrics
from signalbox.policy.resolved import Role
from signalbox.pricing.shim import quote
from tests.builders import model, policy, prices, route

A, B = model("a"), model("b")
POLICY = policy(route(Role("fast", A, (B,))))
PRICES = prices(A)  # 1 micro-dollar a token in, 5 out
SEEN = Runtime(models={"a": ModelState(latency_ms=419.6)})


@pytest.mark.row("A10")
@pytest.mark.parametrize("name", ["a", "fast", "a-exact"])
def test_a_role_a_roster_id_and_a_providers_id_name_a_model(name: str) -> None:
    told = quote(POLICY, PRICES, SEEN, name, 1_200, 0)
    assert (told["model"], told["cost_tokens_usd"], told["latency_ms"]) == ("a", 0.0012, 420)
    assert told["cost_reason"] is None
    assert told["latency_reason"] is None


@pytest.mark.row("A10")
def test_output_has_its_own_price() -> None:
    assert quote(POLICY, PRICES, SEEN, "a", 1_000, 200)["cost_tokens_usd"] == 0.002


@pytest.mark.row("A10")
def test_what_is_not_known_is_null_with_a_reason() -> None:
    told = quote(POLICY, PRICES, SEEN, "b", 1_200, 0)
    assert (told["cost_tokens_usd"], told["cost_reason"]) == (None, "no price for openai/b-exact")
    assert (told["latency_ms"], told["latency_reason"]) == (None, "b has answered no call lately")
    with pytest.raises(NotFound) as caught:
        quote(POLICY, PRICES, SEEN, "auto", 1_200, 0)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@pytest.mark.row("A10")
@pytest.mark.parametrize(
    ("body", "read"),
    [
        ({"tokens": 1_200}, ("a", 1_200, 0)),
        ({"input_tokens": 7, "output_tokens": 9}, ("a", 7, 9)),
        ({"output_tokens": 9}, ("a", 0, 9)),
        ({"tokens": 0}, ("a", 0, 0)),
    ],
)
def test_tokens_alone_are_input(body: dict[str, int], read: tuple[str, int, int]) -> None:
    assert parse_metrics({"model": "a", **body}) == read


@pytest.mark.row("A10")
@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"model": "a"}, "missing_parameter", "tokens"),
        ({"tokens": 5}, "missing_parameter", "model"),
        ({"model": "a", "tokens": 5, "output_tokens": 5}, "invalid_value", "tokens"),
        ({"model": "a", "tokens": -1}, "invalid_value", "tokens"),
        ({"model": "a", "tokens": "5"}, "invalid_type", "tokens"),
        ({"model": "a", "tokens": True}, "invalid_type", "tokens"),
        ({"model": "a", "tokens": 10**12}, "invalid_value", "tokens"),
        ({"model": "a", "token": 5}, "unknown_parameter", "token"),
    ],
)
def test_a_body_that_is_wrong_is_told_where(body: Any, code: str, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_metrics(body)
    assert (caught.value.code, caught.value.param) == (code, param)
