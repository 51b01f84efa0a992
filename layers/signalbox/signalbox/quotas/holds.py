"""What a request must hold of its limits before a model is asked. Pure.

Of several entries of one scope and window, the one ``of`` this caller, key, role or model goes before the one
for everybody, and takes its place. Money is held at the worst price of the whole plan, every hop of it; rates
and places in flight count the request once, at its first hop.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from signalbox.contracts.decisions import Decision, Hop
from signalbox.contracts.quotas import Hold
from signalbox.contracts.requests import InferenceRequest
from signalbox.contracts.runtime import Runtime
from signalbox.policy.resolved import Budget, BudgetScope, Limit, LimitScope, Policy
from signalbox.quotas.windows import minute, window

MODEL = "model#"
Scoped = TypeVar("Scoped", Budget, Limit)


def holds(
    policy: Policy, request: InferenceRequest, decision: Decision, runtime: Runtime, now: datetime
) -> tuple[Hold, ...]:
    """One for every limit that applies, no two on the same counter and window; none without a hop."""
    if not decision.hops:
        return ()
    first = decision.hops[0]
    found = [
        *_money(policy, request, decision, now),
        *_rates(policy, request, first, _most_tokens(policy, decision, first), now),
        *_gate(policy, first, runtime),
    ]
    return tuple(_tightest(found))


def counter(scope: BudgetScope | LimitScope, name: str, caller: str) -> str:
    """The counter's key; a key's begins with its caller."""
    match scope:
        case "global":
            return scope
        case "key":
            return f"key#{caller}#{name}"
        case _:
            return f"{scope}#{name}"


def _money(policy: Policy, request: InferenceRequest, decision: Decision, now: datetime) -> Iterator[Hold]:
    plan = sum(hop.worst_cost_microusd for hop in decision.hops)
    for scope, name in _whom(request, decision):
        amount = plan if scope != "model" else _worst_of(name, decision.hops)
        chosen = {one.window: one for one in _general_first(policy.budgets, scope, name)}
        for budget in chosen.values():
            at = window(budget.window, now)
            yield Hold(
                counter=counter(scope, name, request.caller),
                window=f"microusd#{at.name}",
                measure="microusd",
                limit=budget.cap_microusd,
                amount=amount,
                label=f"microusd per {budget.window}{_of(scope, name)}",
                resets_at_ms=at.resets_at_ms,
                degrade_to=budget.degrade_to,
            )


def _rates(policy: Policy, request: InferenceRequest, first: Hop, tokens: int, now: datetime) -> Iterator[Hold]:
    at = minute(now)
    whom: tuple[tuple[LimitScope, str], ...] = (
        ("caller", request.caller),
        ("key", request.key_id),
        ("model", first.model),
    )
    for scope, name in whom:
        for limit in _general_first(policy.limits, scope, name)[-1:]:
            key, who = counter(scope, name, request.caller), _of(scope, name)
            if (most := limit.requests_per_minute) is not None:
                yield Hold(
                    counter=key,
                    window=f"requests#{at.name}",
                    measure="requests",
                    limit=most,
                    amount=1,
                    label=f"requests per minute{who}",
                    resets_at_ms=at.resets_at_ms,
                )
            if (most := limit.tokens_per_minute) is not None:
                yield Hold(
                    counter=key,
                    window=f"tokens#{at.name}",
                    measure="tokens",
                    limit=most,
                    amount=tokens,
                    label=f"tokens per minute{who}",
                    resets_at_ms=at.resets_at_ms,
                )
            if (most := limit.in_flight) is not None:
                yield _place(key, most, who)


def _gate(policy: Policy, first: Hop, runtime: Runtime) -> Iterator[Hold]:
    if gate := policy.gates.get(first.model):
        admitted = runtime.of(first.model).admitted
        most = gate.most if admitted is None else admitted
        yield _place(f"{MODEL}{first.model}", most, _of("model", first.model))


def _place(key: str, most: int, who: str) -> Hold:
    return Hold(
        counter=key, window="in_flight", measure="in_flight", limit=most, amount=1, label=f"requests in flight{who}"
    )


def _tightest(found: Iterable[Hold]) -> Iterable[Hold]:
    """One a counter and window: a model's limit and its gate count the same places."""
    kept: dict[tuple[str, str], Hold] = {}
    for hold in found:
        at = hold.counter, hold.window
        if at not in kept or hold.limit < kept[at].limit:
            kept[at] = hold
    return kept.values()


def _whom(request: InferenceRequest, decision: Decision) -> Iterator[tuple[BudgetScope, str]]:
    """Everybody whose money it is."""
    yield "global", ""
    yield "caller", request.caller
    yield "key", request.key_id
    if decision.role is not None:
        yield "role", decision.role
    for model in dict.fromkeys(hop.model for hop in decision.hops):
        yield "model", model


def _general_first(found: Iterable[Scoped], scope: str, name: str) -> list[Scoped]:
    """Those that may apply, the ones for ``name`` alone last."""
    fit = [one for one in found if one.scope == scope and one.of in (None, name)]
    return sorted(fit, key=lambda one: one.of is not None)


def _worst_of(model: str, hops: Iterable[Hop]) -> int:
    return sum(hop.worst_cost_microusd for hop in hops if hop.model == model)


def _most_tokens(policy: Policy, decision: Decision, hop: Hop) -> int:
    """Input at its upper bound, and all the output allowed, in the model's own tokens."""
    count = decision.signals.tokens
    unsure = math.ceil((count.upper - count.value) * policy.roster[hop.model].token_factor)
    return hop.input_tokens + unsure + hop.max_output_tokens


def _of(scope: str, name: str) -> str:
    return f" of {scope} {name}" if name else ""
