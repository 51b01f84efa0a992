"""What a policy means, once every name in it has been resolved and checked.

The file's own shape is in ``document``; ``load`` turns one into the other. Everything
downstream (signals, decision, execution) sees only these values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from re import Pattern
from typing import Any, Literal, Protocol

from signalbox.contracts.adapters import ReasoningEffort
from signalbox.contracts.decisions import Plan, Terms
from signalbox.contracts.requests import Sampling
from signalbox.contracts.signals import Complexity

BudgetScope = Literal["global", "caller", "key", "role", "model"]
BudgetWindow = Literal["hour", "day", "month"]
LimitScope = Literal["caller", "key", "model"]


class Matcher(Protocol):
    """A compiled CEL condition over the signals."""

    @property
    def source(self) -> str:
        """The expression as the file spells it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that it reads."""

    @property
    def token_thresholds(self) -> tuple[int, ...]:
        """Integers that ``token_count`` is compared with."""

    @property
    def needs_exact_tokens(self) -> bool:
        """Whether ``token_count`` is used other than in a comparison with an integer."""

    def matches(self, variables: Mapping[str, Any]) -> bool:
        """Whether the condition holds. Raises ``MatcherFailed`` when it cannot be evaluated."""


@dataclass(frozen=True)
class Profile:
    """How one model is spoken to: its system prompt and sampling, under the caller's own."""

    name: str
    system_prompt: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    reasoning_effort: ReasoningEffort | None = None


@dataclass(frozen=True)
class RosterModel:
    """One model that may answer. ``token_factor`` turns o200k_base tokens into its own, erring high."""

    id: str
    provider: str
    provider_model: str
    window_tokens: int
    output_cap_tokens: int
    token_factor: float
    features: frozenset[str]
    profile: Profile
    retires: date | None = None
    typical_latency_ms: int | None = None


@dataclass(frozen=True)
class Role:
    """A name that routes use for ``pin``; ``pinned`` forbids every other model, always."""

    name: str
    pin: RosterModel
    fallbacks: tuple[RosterModel, ...] = ()
    pinned: bool = False

    @property
    def candidates(self) -> tuple[RosterModel, ...]:
        return (self.pin, *self.fallbacks)


@dataclass(frozen=True)
class Route:
    """The first route whose path and matcher hold decides. ``path`` matches itself and what is below it."""

    name: str
    path: str | None
    matcher: Matcher
    role: Role
    plan: Plan
    deadline_ms: int
    max_cost_microusd: int | None = None
    cache: bool | None = None  # None: as the policy says of temperature 0
    keep_text: bool = False
    escalate_to: Role | None = None  # who is stronger; None with the plan ``single``, mostly
    terms: Terms = field(default_factory=Terms)

    def covers(self, path: str) -> bool:
        return self.path is None or path == self.path or path.startswith(self.path.rstrip("/") + "/")


@dataclass(frozen=True)
class ComplexityRule:
    """``matcher`` None: the rule that holds when none before it did."""

    matcher: Matcher | None
    value: Complexity


@dataclass(frozen=True)
class ConfidenceRule:
    matcher: Matcher | None
    value: float | Literal["p_fast"]


@dataclass(frozen=True)
class Budget:
    """A cap on money. ``of`` None: everyone in ``scope`` has a cap of their own."""

    scope: BudgetScope
    of: str | None
    window: BudgetWindow
    cap_microusd: int
    degrade_to: str | None = None  # a role


@dataclass(frozen=True)
class Limit:
    """How much may be asked; None is no limit."""

    scope: LimitScope
    of: str | None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    in_flight: int | None = None


@dataclass(frozen=True)
class HealthRules:
    """When a failing model is left alone, and for how long."""

    half_life_s: int = 60
    least_attempts: int = 5
    error_rate: float = 0.5
    cooling_s: int = 10
    longest_cooling_s: int = 300


@dataclass(frozen=True)
class Gate:
    """Bounds of how many calls a model takes at a time."""

    least: int
    most: int


@dataclass(frozen=True)
class TaggerRules:
    """``workload_from``: how sure the tagger must be of a workload that the caller does not name; else it is chat.
    None: it is not asked."""

    workload_from: float | None = None


@dataclass(frozen=True)
class CacheRules:
    keep_s: int = 3600
    deterministic: bool = False  # a route that says nothing repeats replies of temperature 0


@dataclass(frozen=True)
class Retention:
    conversations_days: int = 30
    ledger_days: int = 90
    text_days: int = 7
    idempotency_hours: int = 24
    replies_hours: int = 24  # of plans with several calls


@dataclass(frozen=True)
class Collection:
    """Documents to ground replies in: ``passages`` of them at most, each of ``most_characters`` at most.

    ``sqlite``: built by ``signalbox collection build``. ``bedrock``: a Bedrock Knowledge Base of the account.
    """

    name: str
    kind: Literal["sqlite", "bedrock"]
    passages: int = 4
    most_characters: int = 1200
    knowledge_base_id: str | None = None


@dataclass(frozen=True)
class Webhook:
    """Where final replies are sent. Bodies are signed with the key in Secrets Manager."""

    name: str
    url: str


@dataclass(frozen=True)
class Policy:
    """``version`` names the text it came from (12 hex digits of its SHA-256)."""

    version: str
    roster: Mapping[str, RosterModel]
    roles: Mapping[str, Role]
    routes: tuple[Route, ...]
    complexity: tuple[ComplexityRule, ...]
    confidence: tuple[ConfidenceRule, ...]
    entities: Mapping[str, Pattern[str]] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    limits: tuple[Limit, ...] = ()
    health: HealthRules = HealthRules()
    gates: Mapping[str, Gate] = field(default_factory=dict)  # by roster id
    cache: CacheRules = CacheRules()
    retention: Retention = Retention()
    tagger: TaggerRules = TaggerRules()
    tagged: bool = False  # whether anything in it reads what the tagger says
    collections: Mapping[str, Collection] = field(default_factory=dict)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    default_max_output_tokens: int = 1024
    token_thresholds: tuple[int, ...] = ()
    needs_exact_tokens: bool = False
