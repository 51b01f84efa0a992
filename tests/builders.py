"""Small whole values for tests: a policy, a request, prices, an invoker that plays a script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from signalbox.contracts.adapters import (
    AdapterFailure,
    AdapterReply,
    AdapterRequest,
    AdapterResult,
    FailureName,
    Usage,
)
from signalbox.contracts.decisions import Plan, Terms
from signalbox.contracts.messages import Message, TextPart
from signalbox.contracts.messages import Role as Speaker
from signalbox.contracts.requests import InferenceRequest, Sampling
from signalbox.contracts.signals import Signals, TokenCount
from signalbox.policy.resolved import Policy, Profile, Role, RosterModel, Route
from signalbox.pricing.table import PriceTable, Rates, Tariff

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVERYTHING = frozenset(
    [
        "tools",
        "forced_tool_choice",
        "parallel_tool_calls",
        "json_object",
        "json_schema",
        "temperature",
        "top_p",
        "penalties",
        "stop",
        "seed",
    ]
)


def said(text: str, role: Speaker = "user") -> Message:
    return Message(role=role, content=(TextPart(text=text),))


def request(text: str = "hello", **fields: Any) -> InferenceRequest:
    fixed: dict[str, Any] = {"request_id": "r1", "caller": "alice", "path": "/v1/infer", "messages": (said(text),)}
    return InferenceRequest(**(fixed | fields))


def signals(tokens: int = 10, **fields: Any) -> Signals:
    fixed: dict[str, Any] = {
        "path": "/v1/infer",
        "mode": "live",
        "tier": "standard",
        "workload": "chat",
        "convo_length": 1,
        "tokens": TokenCount(value=tokens, lower=tokens, upper=tokens, exact=True),
        "tail_newline": False,
        "entropy": 4.0,
        "distinct_entities": 0,
        "has_code": False,
        "has_tools": False,
        "complexity": "trivial",
        "confidence": 0.9,
        "needs_compliance_check": False,
        "priority": "normal",
        "escalation": False,
        "max_output_tokens": None,
        "deadline_ms": None,
        "hour": 12,
    }
    return Signals(**(fixed | fields))


def model(
    name: str,
    window_tokens: int = 10_000,
    output_cap_tokens: int = 1_000,
    token_factor: float = 1.0,
    features: frozenset[str] = EVERYTHING,
    system_prompt: str | None = None,
    sampling: Sampling | None = None,
    retires: date | None = None,
    typical_latency_ms: int | None = None,
) -> RosterModel:
    return RosterModel(
        id=name,
        provider="openai",
        provider_model=f"{name}-exact",
        window_tokens=window_tokens,
        output_cap_tokens=output_cap_tokens,
        token_factor=token_factor,
        features=features,
        profile=Profile("plain", system_prompt, sampling or Sampling()),
        retires=retires,
        typical_latency_ms=typical_latency_ms,
    )


@dataclass(frozen=True)
class Holds:
    """A matcher that holds when every named variable has its value."""

    wanted: Mapping[str, Any] = field(default_factory=dict)
    source: str = "test"
    token_thresholds: tuple[int, ...] = ()
    needs_exact_tokens: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.wanted)

    def matches(self, variables: Mapping[str, Any]) -> bool:
        return all(variables[name] == value for name, value in self.wanted.items())


def route(role: Role, name: str = "all", deadline_ms: int = 10_000, cost: int | None = None, **wanted: Any) -> Route:
    return Route(name, None, Holds(wanted), role, "single", deadline_ms, cost)


def planned(plan: Plan, role: Role, stronger: Role | None, deadline_ms: int = 10_000, **terms: Any) -> Route:
    """A route whose plan has several calls; ``terms`` as in ``Terms``."""
    return Route(
        "planned",
        None,
        Holds(),
        role,
        plan,
        deadline_ms,
        terms.get("ceiling_microusd"),
        escalate_to=stronger,
        terms=Terms(**terms),
    )


def policy(*routes: Route, extra: Sequence[RosterModel] = ()) -> Policy:
    roles = {role.name: role for one in routes for role in (one.role, one.escalate_to) if role}
    roster = {m.id: m for one in roles.values() for m in one.candidates} | {m.id: m for m in extra}
    return Policy("0123456789ab", roster, roles, tuple(routes), (), (), default_max_output_tokens=100)


def prices(*models: RosterModel) -> PriceTable:
    """Every model at 1 micro-dollar a token in, 5 out."""
    rates = Rates(0, Decimal(1), Decimal(5), Decimal("0.1"), Decimal("1.25"))
    return PriceTable({f"{m.provider}/{m.provider_model}": (Tariff(None, (rates,)),) for m in models})


def reply(name: str, text: str = "fine", cost_microusd: int = 7) -> AdapterResult:
    return AdapterResult(
        reply=AdapterReply(
            model=name,
            model_version=f"{name}-exact",
            provider_request_id="p1",
            text=text,
            finish_reason="stop",
            usage=Usage(input_tokens=10, output_tokens=2),
            cost_microusd=cost_microusd,
            latency_ms=5,
        )
    )


def failure(name: str, kind: FailureName, **fields: Any) -> AdapterResult:
    return AdapterResult(failure=AdapterFailure(name=kind, message=f"{kind} told", model=name, **fields))


@dataclass
class FakeClock:
    at_ms: int = 1_000_000

    def now_ms(self) -> int:
        return self.at_ms

    def sleep_s(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1_000)


@dataclass
class ScriptedInvoker:
    """Answers each call with the next result of its model's script, after ``takes_ms`` of the clock."""

    script: dict[str, list[AdapterResult]]
    clock: FakeClock = field(default_factory=FakeClock)
    takes_ms: int = 0
    calls: list[AdapterRequest] = field(default_factory=list)

    def invoke(self, request: AdapterRequest) -> AdapterResult:
        self.calls.append(request)
        self.clock.at_ms += self.takes_ms
        return self.script[request.model].pop(0)
