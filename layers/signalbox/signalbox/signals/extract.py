"""``extract``: everything that is known of a request before a model is chosen. Pure."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from signalbox.contracts.requests import InferenceRequest, Workload
from signalbox.contracts.signals import Complexity, Signals
from signalbox.contracts.tags import Tags
from signalbox.policy.resolved import ComplexityRule, ConfidenceRule, Policy
from signalbox.signals.text import distinct_entities, has_code, shannon_entropy, tail_newline
from signalbox.signals.tokens import count, framing_tokens
from signalbox.signals.variables import matcher_values
from signalbox.tagger.excerpt import Turn
from signalbox.tagger.spoken import spoken

Rule = TypeVar("Rule", ComplexityRule, ConfidenceRule)

# When no rule holds, nothing speaks for a small model.
_COMPLEXITY_WITHOUT_RULE: Complexity = "extended"
_CONFIDENCE_WITHOUT_RULE = 0.0


def extract(request: InferenceRequest, policy: Policy, now: datetime) -> Signals:
    """The request's signals at ``now`` (timezone-aware).

    Token counts are exact enough for every comparison that ``policy`` can make. A workload
    that the caller did not name is chat. Raises ``MatcherFailed`` when a rule cannot be
    evaluated, and ``SignalboxError`` (``tokenizer_unavailable``).
    """
    facts = _facts(request, policy, now)
    seen = matcher_values(facts)
    complexity = _complexity(policy, seen)
    confidence = request.confidence
    if confidence is None:
        confidence = _confidence(policy, {**seen, "complexity": complexity}, facts["tags"])
    return Signals(**facts, complexity=complexity, confidence=confidence)


def window_thresholds(policy: Policy, max_output_tokens: int | None, framing: int) -> tuple[int, ...]:
    """For each roster model, the most o200k_base tokens of text that still fit its window.

    The inverse of what ``decision.sizing`` asks: text and ``framing``, rounded up after the model's own
    factor, plus its profile's system prompt and the output, must not exceed ``window_tokens``.
    """
    fits: set[int] = set()
    for model in policy.roster.values():
        output = max_output_tokens or min(policy.default_max_output_tokens, model.output_cap_tokens)
        prompt_bytes = len((model.profile.system_prompt or "").encode())
        room = model.window_tokens - output - prompt_bytes
        if room >= 0:
            fits.add(_most_within(room, model.token_factor) - framing)
    return tuple(sorted(edge for edge in fits if edge >= 0))


def _most_within(room: int, factor: float) -> int:
    """The largest n with ceil(n * factor) <= room, in the very arithmetic that sizing uses."""
    most = int(room / factor)
    while math.ceil(most * factor) > room:
        most -= 1
    while math.ceil((most + 1) * factor) <= room:
        most += 1
    return most


def _facts(request: InferenceRequest, policy: Policy, now: datetime) -> dict[str, Any]:
    """The fields of ``Signals`` that no rule decides."""
    turn = next((message.text for message in reversed(request.messages) if message.role == "user"), "")
    windows = window_thresholds(policy, request.max_output_tokens, framing_tokens(request))
    # A price limit is compared with the worst cost, whose threshold lies anywhere.
    limits = [request.max_cost_microusd, *(route.max_cost_microusd for route in policy.routes)]
    exact = policy.needs_exact_tokens or any(limit is not None for limit in limits)
    tags = _tags(request) if policy.tagged else None
    return {
        "path": request.path,
        "mode": request.mode,
        "tier": request.tier,
        "lane": request.lane or "",
        "workload": request.workload or _workload(tags, policy),
        "convo_length": _convo_length(request),
        "tokens": count(request, (*policy.token_thresholds, *windows), exact),
        "tail_newline": tail_newline(turn),
        "entropy": shannon_entropy(turn),
        "distinct_entities": distinct_entities(turn, policy.entities),
        "has_code": has_code(turn),
        "has_tools": bool(request.tools),
        "needs_compliance_check": request.needs_compliance_check,
        "priority": request.priority,
        "escalation": request.escalation,
        "max_output_tokens": request.max_output_tokens,
        "deadline_ms": request.deadline_ms,
        "hour": now.astimezone(UTC).hour,
        "tags": tags,
    }


def _tags(request: InferenceRequest) -> Tags:
    """Of the turns that were sent and of those that are known from before."""
    from signalbox.tagger.tag import tag  # here, so that a policy that asks for no tags imports no numpy

    turns = [*(Turn(one.user, one.text) for one in request.recent), *spoken(request.messages)]
    return tag(turns, before=max(0, _convo_length(request) - len(turns)))


def _workload(tags: Tags | None, policy: Policy) -> Workload:
    least = policy.tagger.workload_from
    return tags.workload if tags and least is not None and tags.workload_confidence >= least else "chat"


def _convo_length(request: InferenceRequest) -> int:
    if request.snapshot is not None:
        return request.snapshot.convo_length
    return sum(message.role in ("user", "assistant") for message in request.messages)


def _complexity(policy: Policy, seen: Mapping[str, object]) -> Complexity:
    rule = _first(policy.complexity, seen)
    return _COMPLEXITY_WITHOUT_RULE if rule is None else rule.value


def _confidence(policy: Policy, seen: Mapping[str, object], tags: Tags | None) -> float:
    rule = _first(policy.confidence, seen)
    if rule is None:
        return _CONFIDENCE_WITHOUT_RULE
    if rule.value == "p_fast":
        return _CONFIDENCE_WITHOUT_RULE if tags is None else tags.p_fast
    return rule.value


def _first(rules: Sequence[Rule], seen: Mapping[str, object]) -> Rule | None:
    return next((rule for rule in rules if rule.matcher is None or rule.matcher.matches(seen)), None)
