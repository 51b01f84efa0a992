"""The parameters that both dialects share, and routing hints wherever they are given."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from signalbox.contracts.conversations import History
from signalbox.contracts.errors import BadRequest, Forbidden
from signalbox.contracts.requests import (
    ConversationId,
    InferenceRequest,
    Lane,
    Mode,
    Priority,
    Sampling,
    Tier,
    Workload,
)
from signalbox.dialects.messages import Choice, OfferedTool
from signalbox.dialects.wire import Wire, text_or, validated

MAX_DEADLINE_MS = 900_000
INT64 = 2**63

StopText = Annotated[str, Field(min_length=1)]
Stops = Annotated[list[StopText], Field(max_length=4, fail_fast=True), Tag("<list>")]
MetadataKey = Annotated[str, Field(min_length=1, max_length=64)]
MetadataValue = Annotated[str, Field(max_length=512)]


class SharedBody(Wire):
    """``model`` is ``auto``, a role or a roster id; null anywhere is the same as absent."""

    model: str | None = Field(default=None, min_length=1, max_length=256, description="auto, a role or a roster id.")
    max_tokens: int | None = Field(default=None, ge=1, lt=INT64)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    stop: Annotated[Annotated[StopText, Tag("<text>")] | Stops, Discriminator(text_or("<list>"))] | None = None
    seed: int | None = Field(default=None, ge=-INT64, lt=INT64)
    tools: list[OfferedTool] | None = Field(default=None, max_length=128, fail_fast=True)
    tool_choice: Choice | None = None
    parallel_tool_calls: bool | None = None
    user: str | None = None
    metadata: dict[MetadataKey, MetadataValue] | None = Field(default=None, max_length=16)


class Hints(Wire):
    """What the caller knows beside the words: what helps to choose a model, and the conversation they belong to."""

    workload: Workload | None = None
    priority: Priority | None = None
    escalation: bool | None = None
    lane: Lane | None = Field(default=None, description="What the request is for, as the policy's routes know it.")
    tier: Tier | None = Field(default=None, description="The lane of a lesser tier; never above the key's own.")
    needs_compliance_check: bool | None = None
    deadline_ms: int | None = Field(default=None, ge=1, le=MAX_DEADLINE_MS)
    max_cost_microusd: int | None = Field(
        default=None, ge=1, lt=INT64, description="Millionths of a US dollar that one call may cost, and a whole plan."
    )
    confidence: float | None = Field(default=None, ge=0, le=1, description="That a small model suffices.")
    mode: Mode | None = None
    conversation_id: ConversationId | None = Field(default=None, description="The caller's own name for it.")
    conversation_history: History | None = Field(
        default=None, description="Whether the messages are its new turns or all of it; auto finds out."
    )


def sampling(body: SharedBody) -> Sampling:
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
        stop=stop,
        seed=body.seed,
    )


def hints(given: Hints | None, metadata: dict[str, str] | None = None, *, tier: str) -> dict[str, Any]:
    """The hints that are set, as fields of ``InferenceRequest``; its tier is the key's, unless a lesser is asked for.

    They may also stand in ``metadata``, as text. Raises ``BadRequest`` for a bad one
    (``metadata.priority``) and for one given twice with different values, and ``Forbidden``.
    """
    found = {"tier": tier, **_hints(given, metadata)}
    if found["tier"] == "premium" != tier:
        raise Forbidden("tier_not_granted", f"This key is of the tier {tier}, not premium.", param="tier")
    return found


def _hints(given: Hints | None, metadata: dict[str, str] | None) -> dict[str, Any]:
    spelled = {name: metadata[name] for name in Hints.model_fields if name in (metadata or {})} if metadata else {}
    found = _set(given) if given else {}
    if not spelled:
        return found
    typed = {name: _typed(name, text) for name, text in spelled.items()}
    for name, value in _set(validated(Hints, typed, "metadata")).items():
        if found.setdefault(name, value) != value:
            param = f"metadata.{name}"
            raise BadRequest("invalid_value", f"{param} and signalbox.{name} differ.", param=param)
    return found


def with_header(request: InferenceRequest, conversation_id: str | None) -> InferenceRequest:
    """``request`` in the conversation that ``x-conversation-id`` names. Raises ``BadRequest``."""
    if conversation_id is None:
        return request
    named = validated(Hints, {"conversation_id": conversation_id}).conversation_id
    if request.conversation_id not in (None, named):
        raise BadRequest("invalid_value", "The header and the body name two conversations.", param="conversation_id")
    return request.model_copy(update={"conversation_id": named})


def _set(given: Hints) -> dict[str, Any]:
    return {name: value for name in Hints.model_fields if (value := getattr(given, name)) is not None}


def _typed(name: str, text: str) -> Any:
    """Metadata is all strings. What stands for no boolean or number is left for the model to refuse."""
    if name in ("escalation", "needs_compliance_check"):
        return {"true": True, "false": False}.get(text, text)
    if name in ("deadline_ms", "max_cost_microusd"):
        return int(text) if text.isascii() and text.isdigit() else text
    if name == "confidence":
        whole, _, fraction = text.partition(".")
        return float(text) if text.isascii() and (whole + fraction).isdigit() else text
    return text
