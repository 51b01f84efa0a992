"""What a call of one model costs and how long it takes, from the price table and recent calls (A10). Pure."""

from collections.abc import Iterator
from typing import Any

from signalbox.contracts.adapters import Usage
from signalbox.contracts.errors import NotFound
from signalbox.contracts.runtime import Runtime
from signalbox.policy.resolved import Policy, RosterModel
from signalbox.pricing.table import PriceTable

MICRO = 1_000_000


def quote(
    policy: Policy, prices: PriceTable, runtime: Runtime, model: str, input_tokens: int, output_tokens: int
) -> dict[str, Any]:
    """``model`` is a role (its pin is quoted), a roster id or a provider's exact id.

    Nothing is taken as cached. What is not known is null, with a reason beside it. Raises ``NotFound``
    (``model_not_found``).
    """
    known = _named(policy, model)
    state = runtime.of(known.id)
    cost_usd, cost_reason = _cost_usd(prices, known, input_tokens, output_tokens)
    unheard = None if state.latency_ms is not None else f"{known.id} has answered no call lately"
    return {
        "model": known.id,
        "provider_model": known.provider_model,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cost_tokens_usd": cost_usd,
        "cost_reason": cost_reason,
        "latency_ms": None if state.latency_ms is None else round(state.latency_ms),
        "latency_reason": unheard,
    }


def _cost_usd(
    prices: PriceTable, model: RosterModel, input_tokens: int, output_tokens: int
) -> tuple[float | None, str | None]:
    if not prices.has(model.provider, model.provider_model):
        return None, f"no price for {model.provider}/{model.provider_model}"
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    return prices.cost_microusd(model.provider, model.provider_model, usage) / MICRO, None


def _named(policy: Policy, name: str) -> RosterModel:
    found = next(_meanings(policy, name), None)
    if found is None:
        known = ", ".join([*policy.roles, *policy.roster])
        raise NotFound("model_not_found", f"There is no such model here. Known are: {known}.", param="model")
    return found


def _meanings(policy: Policy, name: str) -> Iterator[RosterModel]:
    """In the order in which a request's ``model`` is read."""
    if name in policy.roles:
        yield policy.roles[name].pin
    if name in policy.roster:
        yield policy.roster[name]
    yield from (one for one in policy.roster.values() if one.provider_model == name)
