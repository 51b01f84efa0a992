"""The reply of a plan with several calls, as ``GET /v1/replies/{id}`` tells it and webhooks carry it."""

from typing import Literal

from typing_extensions import TypedDict

from signalbox.contracts.adapters import AdapterReply, FinishReason
from signalbox.contracts.decisions import Plan
from signalbox.contracts.plans import Conclusion, Failure, ReplyHead, Resolution
from signalbox.dialects.native import ToolCallFacts, UsageFacts

ReplyStatus = Literal["pending", "final", "failed"]


class ReplyContent(TypedDict):
    """What the model said. ``model`` is the roster's id, ``model_version`` the exact one that answered."""

    text: str
    tool_calls: list[ToolCallFacts]
    finish_reason: FinishReason
    model: str
    model_version: str
    refusal: str | None
    usage: UsageFacts


class ReplyError(TypedDict):
    """Why there is no reply: ``status`` is the HTTP status that a caller who waited would have been answered."""

    status: int
    code: str
    message: str


class ReplyRecord(TypedDict):
    """``final`` has a ``reply``, ``failed`` an ``error``, ``pending`` neither yet.

    ``resolution`` is how this reply came to be the one, ``reason`` why it is no better; ``confidence`` the probability
    that it is good enough; ``violations`` what it broke. Times in Unix seconds, money in micro-dollars.
    """

    id: str
    object: Literal["reply"]
    status: ReplyStatus
    plan: Plan
    resolution: Resolution | None
    reason: str | None
    confidence: float | None
    violations: list[str]
    created_at: int
    concluded_at: int | None
    reply: ReplyContent | None
    cost_microusd: int | None
    error: ReplyError | None


def render(head: ReplyHead, conclusion: Conclusion | None, now_ms: int) -> ReplyRecord:
    """Past the time when anybody works on it, a reply without a conclusion has failed."""
    if conclusion is None and now_ms > head.ends_at_ms:
        conclusion = Conclusion(failure=lost(head), concluded_at_ms=head.ends_at_ms)
        cost = None  # nobody has told
    else:
        cost = conclusion.cost_microusd if conclusion else None
    ended = conclusion or Conclusion()
    return ReplyRecord(
        id=head.request_id,
        object="reply",
        status=_status(conclusion),
        plan=head.plan,
        resolution=ended.resolution,
        reason=ended.reason,
        confidence=ended.confidence.value if ended.confidence else None,
        violations=[one.message for one in ended.violations],
        created_at=head.created_at_ms // 1_000,
        concluded_at=ended.concluded_at_ms // 1_000 if conclusion else None,
        reply=_content(ended.reply) if ended.reply else None,
        cost_microusd=cost,
        error=_error(ended.failure) if ended.failure else None,
    )


def lost(head: ReplyHead) -> Failure:
    """Whoever worked on it died, and left no conclusion."""
    told = "the preliminary reply was never verified" if head.plan == "verify" else "no final reply came of it"
    return Failure(status=504, code="verification_lost", message=f"The work on it ended without a result: {told}.")


def _status(conclusion: Conclusion | None) -> ReplyStatus:
    if conclusion is None:
        return "pending"
    return "final" if conclusion.reply else "failed"


def _content(reply: AdapterReply) -> ReplyContent:
    return ReplyContent(
        text=reply.text,
        tool_calls=[ToolCallFacts(id=one.id, name=one.name, arguments=one.arguments) for one in reply.tool_calls],
        finish_reason=reply.finish_reason,
        model=reply.model,
        model_version=reply.model_version,
        refusal=reply.refusal,
        usage=UsageFacts(
            input_tokens=reply.usage.input_tokens,
            cached_input_tokens=reply.usage.cached_input_tokens,
            cache_write_tokens=reply.usage.cache_write_tokens,
            output_tokens=reply.usage.output_tokens,
            reasoning_tokens=reply.usage.reasoning_tokens,
        ),
    )


def _error(failure: Failure) -> ReplyError:
    return ReplyError(status=failure.status, code=failure.code, message=failure.message)
