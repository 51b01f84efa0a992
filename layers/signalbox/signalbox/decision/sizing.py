"""Every hop is sized before it is tried (E7): what it would take, and why it may not."""

import math
from dataclasses import dataclass
from datetime import datetime

from signalbox.contracts.decisions import Hop, HopStep, Rejection, RejectionReason
from signalbox.contracts.requests import InferenceRequest
from signalbox.contracts.signals import TokenCount
from signalbox.decision.needs import needed_features
from signalbox.policy.resolved import Policy, Profile, RosterModel
from signalbox.pricing.table import PriceTable


def profile_tokens(profile: Profile) -> int:
    """Upper bound of what the profile's system prompt adds: its UTF-8 bytes."""
    return len((profile.system_prompt or "").encode())


@dataclass(frozen=True)
class Sizing:
    """What sizing a hop needs to know, the same for every candidate of one step of a request.

    ``extra_tokens``, by o200k_base: what is put beside the request's own words, at most.
    """

    request: InferenceRequest
    tokens: TokenCount
    policy: Policy
    prices: PriceTable
    now: datetime
    deadline_ms: int
    max_cost_microusd: int | None
    step: HopStep = "answer"
    extra_tokens: int = 0

    def size(self, model: RosterModel) -> Hop | Rejection:
        """The hop when ``model`` may be tried, else the first reason why it may not."""

        def reject(reason: RejectionReason, detail: str) -> Rejection:
            return Rejection(model=model.id, reason=reason, detail=detail)

        if model.retires is not None and self.now.date() >= model.retires:
            return reject("retired", f"retired on {model.retires.isoformat()}")
        needs = needed_features(self.request)
        if missing := tuple(sorted(name for name, feature in needs.items() if feature not in model.features)):
            detail = f"cannot honour {', '.join(missing)}"
            return Rejection(model=model.id, reason="unsupported", detail=detail, params=missing)
        asked = self.request.max_output_tokens
        if asked is not None and asked > model.output_cap_tokens:
            return reject("output_cap", f"max_tokens={asked} limit={model.output_cap_tokens}")
        max_output = asked or min(self.policy.default_max_output_tokens, model.output_cap_tokens)
        overhead = profile_tokens(model.profile) + math.ceil(self.extra_tokens * model.token_factor)
        worst_input = math.ceil((self.tokens.upper + self.tokens.framing) * model.token_factor) + overhead
        if worst_input + max_output > model.window_tokens:
            return reject("window", f"tokens={worst_input + max_output} limit={model.window_tokens}")
        if not self.prices.has(model.provider, model.provider_model):
            return reject("unpriced", f"no price for {model.provider}/{model.provider_model}")
        worst_cost = self.prices.worst_cost_microusd(model.provider, model.provider_model, worst_input, max_output)
        if self.max_cost_microusd is not None and worst_cost > self.max_cost_microusd:
            return reject("price", f"worst_cost_microusd={worst_cost} limit={self.max_cost_microusd}")
        if model.typical_latency_ms is not None and model.typical_latency_ms > self.deadline_ms:
            return reject("deadline", f"typical_latency_ms={model.typical_latency_ms} deadline_ms={self.deadline_ms}")
        return Hop(
            model=model.id,
            provider=model.provider,
            provider_model=model.provider_model,
            window_tokens=model.window_tokens,
            input_tokens=math.ceil((self.tokens.value + self.tokens.framing) * model.token_factor) + overhead,
            max_output_tokens=max_output,
            worst_cost_microusd=worst_cost,
            typical_latency_ms=model.typical_latency_ms,
            profile_tokens=overhead,
            step=self.step,
        )
