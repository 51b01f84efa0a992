"""What the API answers, as types: from these its description is generated, and by it real replies are checked."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from signalbox.contracts.adapters import FailureName
from signalbox.contracts.decisions import Hop, Plan, Rejection
from signalbox.contracts.ledger import Entry
from signalbox.contracts.signals import Complexity


class AttemptTold(TypedDict):
    """One call of one model; ``failure`` is null when it answered."""

    model: str
    failure: FailureName | None


class ConversationFacts(TypedDict):
    """``version`` after this turn; ``counted``: messages that had to be tokenized; not ``saved``: send them again."""

    id: str
    version: int
    messages: int
    counted: int
    saved: bool


class RoutingFacts(TypedDict):
    """The ``signalbox`` object of a reply. ``request_id`` is the id to read its decision by.

    ``cached``: an earlier reply, ``age_s`` seconds old; ``decide_ms`` is the part of ``latency_ms`` before a model
    was asked.
    """

    request_id: str
    route: str
    role: str | None
    model: str
    provider_model: str
    plan: Plan
    complexity: Complexity
    confidence: float
    reasons: list[str]
    rejected: list[Rejection]
    attempts: list[AttemptTold]
    cost_microusd: int
    latency_ms: int
    policy_version: str
    simulated: bool
    cached: bool
    age_s: NotRequired[int]
    decide_ms: NotRequired[float]
    conversation: NotRequired[ConversationFacts]


class DecisionReply(TypedDict):
    """What would answer, what would not, and why. Money in micro-dollars."""

    route: str
    role: str | None
    model: str | None
    provider_model: str | None
    plan: Plan
    pinned: bool
    deadline_ms: int
    hops: list[Hop]
    rejected: list[Rejection]
    reasons: list[str]
    signals: dict[str, Any]
    policy_version: str


class DecisionRecord(Entry):
    """One request on record: what was decided, every attempt, what was reserved and what it cost.

    Money in micro-dollars, times in Unix milliseconds. ``prompt`` and ``reply`` are null unless the route keeps them.
    """

    id: str
    object: Literal["decision"]


class Conversation(TypedDict):
    """A stored conversation by its figures. ``tokens`` are o200k_base."""

    id: str
    object: Literal["conversation"]
    version: int
    messages: int
    tokens: int


class ConversationDeleted(TypedDict):
    """Turns, bodies and kept answers are gone."""

    id: str
    object: Literal["conversation.deleted"]
    deleted: Literal[True]


class MetricsReply(TypedDict):
    """What a call would cost, in US dollars, and usually takes. What is not known is null, with a reason."""

    model: str
    provider_model: str
    input_tokens: int
    output_tokens: int
    cost_tokens_usd: float | None
    cost_reason: str | None
    latency_ms: int | None
    latency_reason: str | None


class ModelHealth(TypedDict):
    """``cooling`` until the time given, ISO 8601; ``probing``: one request at a time tries it."""

    state: Literal["ok", "cooling", "probing"]
    until: str | None


class Health(TypedDict):
    """``degraded``: a role has no model that may be asked now. ``models`` by roster id."""

    status: Literal["ok", "degraded"]
    policy_version: str
    models: dict[str, ModelHealth]
