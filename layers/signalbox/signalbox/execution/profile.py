"""Speaks to each model in its own way (C6): the profile under, the caller's own words over it."""

from signalbox.contracts.adapters import AdapterRequest
from signalbox.contracts.decisions import Decision, Hop
from signalbox.contracts.messages import Message, TextPart
from signalbox.contracts.requests import InferenceRequest, Sampling
from signalbox.decision.needs import PROVIDER_DEFAULTS
from signalbox.policy.features import SAMPLING_FEATURES
from signalbox.policy.resolved import Profile, RosterModel


class OutsidePin(Exception):
    """A compliance-bound body was about to leave its model. A mistake of ours, never the caller's."""


def merged_sampling(asked: Sampling, model: RosterModel) -> Sampling:
    """The caller's values, else the profile's, less defaults that ``model`` takes no word for."""
    merged = {
        name: value
        for name in Sampling.model_fields
        if (value := getattr(asked, name)) not in (None, ())
        or (value := getattr(model.profile.sampling, name)) not in (None, ())
    }
    return Sampling(
        **{
            name: value
            for name, value in merged.items()
            if SAMPLING_FEATURES[name] in model.features or value != PROVIDER_DEFAULTS.get(name)
        }
    )


def with_profile(messages: tuple[Message, ...], profile: Profile) -> tuple[Message, ...]:
    """``messages`` behind the profile's system prompt, when it has one."""
    if not profile.system_prompt:
        return messages
    return (Message(role="system", content=(TextPart(text=profile.system_prompt),)), *messages)


def adapter_request(
    request: InferenceRequest,
    decision: Decision,
    hop: Hop,
    model: RosterModel,
    now_ms: int,
    limit_ms: int,
    *,
    receipt: str | None = None,
    keep_reply: bool = False,
) -> AdapterRequest:
    """One call of ``hop``, which has ``limit_ms`` from ``now_ms`` (Unix milliseconds).

    Every call of a model is made here, so this is where a pin holds, whatever plan or fault led to it. Raises
    ``OutsidePin``.
    """
    if decision.pinned and hop.model != decision.model:
        raise OutsidePin(hop.model)
    return AdapterRequest(
        request_id=request.request_id,
        caller=request.caller,
        route=decision.route,
        model=hop.model,
        provider_model=hop.provider_model,
        messages=with_profile(request.messages, model.profile),
        tools=request.tools,
        tool_choice=request.tool_choice,
        parallel_tool_calls=request.parallel_tool_calls,
        response_format=request.response_format,
        sampling=merged_sampling(request.sampling, model),
        reasoning_effort=model.profile.reasoning_effort,
        max_output_tokens=hop.max_output_tokens,
        user=request.user,
        deadline_at_ms=now_ms + limit_ms,
        deadline_ms=limit_ms,
        receipt=receipt,
        keep_reply=keep_reply,
    )
