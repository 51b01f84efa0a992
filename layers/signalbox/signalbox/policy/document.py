"""What ``model-routing.yaml`` says, as it says it. ``load`` turns it into what it means.

The JSON Schema that editors complete from is generated from these models
(``signalbox policy schema --write``); so every field describes itself.
"""

import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from signalbox.contracts.adapters import ReasoningEffort
from signalbox.contracts.decisions import Plan
from signalbox.contracts.signals import Complexity
from signalbox.policy.resolved import BudgetScope, BudgetWindow, LimitScope

Provider = Literal["anthropic", "openai", "gemini", "bedrock"]
Feature = Literal[
    "tools",
    "parallel_tool_calls",
    "forced_tool_choice",
    "json_object",
    "json_schema",
    "temperature",
    "top_p",
    "penalties",
    "stop",
    "seed",
    "reasoning_effort",
]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Condition = Annotated[str, Field(min_length=1, max_length=4096)]
Tokens = Annotated[int, Field(ge=1, le=100_000_000)]
DeadlineMs = Annotated[int, Field(ge=1, le=900_000)]


class _Part(BaseModel):
    # One validator is built, for the whole document; none for each part.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)


class DefaultsSpec(_Part):
    deadline_ms: DeadlineMs = Field(
        default=25_000, description="Milliseconds a request may take, unless its route says."
    )
    max_output_tokens: Tokens = Field(default=1024, description="Output tokens when the caller names no limit.")


class ProfileSpec(_Part):
    system_prompt: str | None = Field(default=None, description="Put before the caller's own messages.")
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2, description="Needs the feature `penalties`.")
    presence_penalty: float | None = Field(default=None, ge=-2, le=2, description="Needs the feature `penalties`.")
    stop: list[str] = Field(default=[], max_length=4, description="Texts that end the reply.")
    seed: int | None = None
    reasoning_effort: ReasoningEffort | None = Field(
        default=None, description="Needs the feature of its name; Anthropic takes none only."
    )


class ModelSpec(_Part):
    provider: Provider = Field(description="Whose wire format and key.")
    model: str = Field(min_length=1, max_length=256, description="The exact id that is sent to the provider.")
    window_tokens: Tokens = Field(description="The most that input and output may come to, in the model's own tokens.")
    output_cap_tokens: Tokens = Field(description="The most that the model writes in one reply.")
    token_factor: float = Field(default=1.0, gt=0, le=10, description="Its tokens per o200k_base token, erring high.")
    features: list[Feature] = Field(default=[], description="What the model accepts. All else is refused by name.")
    retires: date | None = Field(default=None, description="The first day (UTC) on which it no longer answers.")
    typical_latency_ms: int | None = Field(default=None, ge=1, le=900_000)
    profile: str | None = Field(default=None, description="A name under `profiles`.")


class RoleSpec(_Part):
    pin: str = Field(description="The roster id that answers for this role.")
    fallbacks: list[str] = Field(default=[], description="Roster ids tried after the pin, in order.")
    pinned: bool = Field(default=False, description="Never any other model than the pin, whatever happens.")


class ComplexityRuleSpec(_Part):
    when: Condition | None = Field(default=None, description="A CEL condition over the base signals.")
    value: Complexity = Field(alias="is")


class ConfidenceRuleSpec(_Part):
    when: Condition | None = Field(default=None, description="A CEL condition over the base signals and complexity.")
    value: Annotated[float, Field(ge=0, le=1)] | Literal["p_fast"] = Field(
        alias="is", description="That a small model suffices; `p_fast` takes the tagger's word for it."
    )


class TaggerSpec(_Part):
    workload_from: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="From this confidence on a guessed workload counts where the caller names none; else it is chat.",
    )


class JudgeSpec(_Part):
    accept: float = Field(default=0.8, ge=0, le=1, description="From this confidence on the fast reply is final.")
    escalate: float = Field(
        default=0.5, ge=0, le=1, description="Under it the stronger model answers anew; between the two it verifies."
    )
    self_check: bool = Field(default=False, description="Ask the fast model whether it stands by its reply.")


class CollectionSpec(_Part):
    kind: Literal["sqlite", "bedrock"] = Field(
        description="`sqlite`: built by `signalbox collection build`. `bedrock`: a Knowledge Base."
    )
    passages: int = Field(default=4, ge=1, le=20, description="How many are put before the model, at most.")
    most_characters: int = Field(default=1200, ge=100, le=10_000, description="Of each passage.")
    knowledge_base_id: str | None = Field(default=None, pattern=r"^[0-9A-Za-z]{10}$", description="Of kind `bedrock`.")


class WebhookSpec(_Part):
    url: str = Field(
        min_length=1, max_length=2048, pattern=r"^https?://", description="Gets final replies by POST, signed."
    )


class RouteSpec(_Part):
    name: Name | None = Field(default=None, description="`route-N` when left out.")
    path: str | None = Field(
        default=None, pattern=r"^/([A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*)?$", description="Itself and all below it."
    )
    matcher: Condition | None = Field(
        default=None, description="A CEL condition over the signals; always, if left out."
    )
    target: str = Field(description="A role, or a roster id.")
    plan: Plan = "single"
    deadline_ms: DeadlineMs | None = None
    escalate_to: str | None = Field(
        default=None,
        description="A role, or a roster id: who is stronger than the target. Plans other than single need it.",
    )
    judge: JudgeSpec = Field(default_factory=JudgeSpec, description="When a fast reply is good enough.")
    samples: int = Field(
        default=1, ge=1, le=5, description="Fast replies: their agreement counts, and rerank chooses among them."
    )
    must_verify: bool = Field(default=False, description="No reply is final without the stronger model's word.")
    verify_within_ms: int = Field(
        default=60_000, ge=1_000, le=200_000, description="Of plan verify, after the preliminary reply."
    )
    contract: dict[str, Any] | None = Field(default=None, description="A JSON Schema that every reply must meet.")
    collection: str | None = Field(default=None, description="A name under `collections`, to ground replies in.")
    citations: int = Field(default=0, ge=0, le=20, description="Documents of the collection a reply cites, at least.")
    webhook: str | None = Field(default=None, description="A name under `webhooks`; of plan verify.")
    max_cost_microusd: int | None = Field(
        default=None, ge=1, description="The dearest that one model's answer may be, and the whole plan with it."
    )
    cache: bool | None = Field(default=None, description="Whether a repeated request gets the same reply again.")
    keep_text: bool = Field(default=False, description="Whether the ledger keeps prompts and replies.")


class BudgetSpec(_Part):
    scope: BudgetScope = Field(description="Whose money it is; each caller, key, role and model has its own.")
    of: str | None = Field(
        default=None, min_length=1, description="The one that this cap is for; it goes before one without."
    )
    window: BudgetWindow = Field(description="In UTC; a new one begins with nothing spent.")
    cap_microusd: int = Field(ge=0, description="Millionths of a US dollar. Spent and reserved never pass it.")
    on_exceeded: str = Field(
        default="reject", pattern=r"^(reject|degrade:.+)$", description="`reject`, or `degrade:` and a cheaper role."
    )


class LimitSpec(_Part):
    scope: LimitScope
    of: str | None = Field(
        default=None, min_length=1, description="The one that this limit is for; it goes before one without."
    )
    requests_per_minute: int | None = Field(default=None, ge=0)
    tokens_per_minute: int | None = Field(default=None, ge=0, description="Input and output, as sized before the call.")
    in_flight: int | None = Field(default=None, ge=0, description="Requests at the same time.")


class HealthSpec(_Part):
    half_life_s: int = Field(default=60, ge=1, le=3600, description="An attempt this old counts half.")
    least_attempts: int = Field(default=5, ge=1, description="Fewer (weighted) say nothing about a model.")
    error_rate: float = Field(default=0.5, gt=0, le=1, description="From this share of failures on it is left alone.")
    cooling_s: int = Field(default=10, ge=1, description="For so long at first, doubled each time it fails again.")
    longest_cooling_s: int = Field(default=300, ge=1)


class GateSpec(_Part):
    least: int = Field(default=1, ge=1, description="Calls at a time, however often the gate was shut.")
    most: int = Field(ge=1, description="Calls at a time at best; not more than its reserved concurrency.")


class CacheSpec(_Part):
    keep_s: int = Field(default=3600, ge=1, le=2_592_000, description="Seconds that a reply is repeated for.")
    deterministic: bool = Field(default=False, description="Routes that do not say `cache` repeat temperature 0.")


class RetentionSpec(_Part):
    conversations_days: int = Field(default=30, ge=1, le=3650)
    ledger_days: int = Field(default=90, ge=1, le=3650)
    text_days: int = Field(default=7, ge=1, le=3650, description="Of prompts and replies, where a route keeps them.")
    idempotency_hours: int = Field(default=24, ge=1, le=720)
    replies_hours: int = Field(default=24, ge=1, le=720, description="Of plans with several calls.")


class Document(_Part):
    """A routing policy: which model answers what."""

    defaults: DefaultsSpec = Field(default_factory=DefaultsSpec)
    entities: dict[Name, str] = Field(default={}, description="Name to regular expression: what a message may name.")
    profiles: dict[Name, ProfileSpec] = Field(default={}, description="How a model is spoken to.")
    roster: dict[Name, ModelSpec] = Field(min_length=1, description="The models that may answer.")
    roles: dict[Name, RoleSpec] = Field(default={}, description="What routes use models for.")
    complexity: list[ComplexityRuleSpec] = Field(
        default=[], description="The first that holds; the last has no `when`."
    )
    confidence: list[ConfidenceRuleSpec] = Field(
        default=[], description="The first that holds; the last has no `when`."
    )
    routes: list[RouteSpec] = Field(min_length=1, description="The first whose path and matcher hold decides.")
    budgets: list[BudgetSpec] = Field(default=[], description="What may be spent.")
    limits: list[LimitSpec] = Field(default=[], description="How much may be asked.")
    health: HealthSpec = Field(default_factory=HealthSpec, description="When a failing model is left alone.")
    gates: dict[Name, GateSpec] = Field(default={}, description="How many calls a model takes at a time.")
    cache: CacheSpec = Field(default_factory=CacheSpec)
    collections: dict[Name, CollectionSpec] = Field(default={}, description="Documents to ground replies in.")
    webhooks: dict[Name, WebhookSpec] = Field(default={}, description="Where final replies are sent.")
    tagger: TaggerSpec = Field(default_factory=TaggerSpec, description="What a request is about, from its words.")
    retention: RetentionSpec = Field(default_factory=RetentionSpec, description="How long what is stored stays.")


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a policy file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Document.model_json_schema(by_alias=True)}


def json_schema_text() -> str:
    """As the committed ``model-routing.schema.json`` holds it."""
    return json.dumps(json_schema(), indent=2) + "\n"
