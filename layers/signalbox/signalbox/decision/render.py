"""A decision as JSON, for ``POST /v1/route``, ``signalbox explain`` and the ``signalbox`` object of replies."""

from typing import Any

from signalbox.contracts.decisions import Decision
from signalbox.signals.variables import variables


def as_json(decision: Decision) -> dict[str, Any]:
    """Everything there is to know of ``decision``; the signals under the names that matchers use."""
    first = decision.hops[0] if decision.hops else None
    return {
        "route": decision.route,
        "role": decision.role,
        "model": decision.model,
        "provider_model": first.provider_model if first else None,
        "plan": decision.plan,
        "pinned": decision.pinned,
        "deadline_ms": decision.deadline_ms,
        "hops": [hop.model_dump(mode="json") for hop in decision.hops],
        "rejected": [one.model_dump(mode="json") for one in decision.rejected],
        "reasons": list(decision.reasons),
        "signals": variables(decision.signals) | {"tokens": decision.signals.tokens.model_dump(mode="json")},
        "policy_version": decision.policy_version,
    }
