"""The seam between the harness and a provider.

A provider translates one request, calls once and maps what comes back. Retries, cost,
logs and metrics are the harness's (``run``, ``lambda_handler``).
"""

from typing import Protocol

from signalbox.contracts.adapters import AdapterFailure, AdapterReply, AdapterRequest, FailureName


class AdapterError(Exception):
    """Why an attempt gave no reply, as the contract's own value."""

    def __init__(self, failure: AdapterFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Provider(Protocol):
    """One model host, such as ``anthropic``."""

    @property
    def name(self) -> str:
        """The roster's and the price table's word for it: anthropic, openai, gemini or bedrock."""

    def attempt(self, request: AdapterRequest, time_left_ms: int) -> AdapterReply:
        """One call, over within ``time_left_ms``, with ``latency_ms`` measured by the provider.

        ``cost_microusd`` is left 0; the harness sets it from the usage. Raises ``AdapterError``
        for everything that can go wrong, and nothing else.
        """


def failed(request: AdapterRequest, name: FailureName, message: str) -> AdapterError:
    """An error of ``request``'s model that no provider's answer is behind."""
    return AdapterError(AdapterFailure(name=name, message=message, model=request.model))


def unsupported(request: AdapterRequest, parameter: str, why: str) -> AdapterError:
    """``parameter`` cannot be carried to this provider. It is refused by name, never dropped."""
    return failed(request, "InvalidRequest", f"{parameter} cannot be sent to {request.model}: {why}")


def deadline_exceeded(request: AdapterRequest) -> AdapterError:
    """The time is up. The message names the limit as the caller knows it, and the model."""
    message = f"model_inference_deadline_exceeded at {request.deadline_ms}ms ({request.model})"
    return AdapterError(
        AdapterFailure(name="DeadlineExceeded", message=message, model=request.model, limit=request.deadline_ms)
    )
