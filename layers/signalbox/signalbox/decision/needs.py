"""Which abilities a request asks of a model, and whether a model has them."""

from signalbox.contracts.requests import InferenceRequest, Sampling
from signalbox.policy.features import SAMPLING_FEATURES

# What every provider does when told nothing, so asking for it asks for nothing.
PROVIDER_DEFAULTS = {"temperature": 1.0, "top_p": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0}


def asked_sampling(sampling: Sampling) -> dict[str, str]:
    """Sampling fields that ask for something, each with the feature it needs."""
    return {
        name: feature
        for name, feature in SAMPLING_FEATURES.items()
        if getattr(sampling, name) not in (None, ()) and getattr(sampling, name) != PROVIDER_DEFAULTS.get(name)
    }


def needed_features(request: InferenceRequest) -> dict[str, str]:
    """Request parameter -> the roster feature without which it cannot be honoured."""
    needs = asked_sampling(request.sampling)
    if request.tools:
        needs["tools"] = "tools"
        if request.parallel_tool_calls is False:
            needs["parallel_tool_calls"] = "parallel_tool_calls"
        if request.tool_choice is not None and request.tool_choice.mode in ("required", "function"):
            needs["tool_choice"] = "forced_tool_choice"
    if request.response_format.type != "text":
        needs["response_format"] = request.response_format.type
    return needs
