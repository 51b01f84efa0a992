"""The invoker that runs on AWS: one Lambda per roster model, its reserved concurrency the gate."""

import json
from typing import Any

from pydantic import ValidationError

from signalbox.contracts.adapters import AdapterFailure, AdapterRequest, AdapterResult, FailureName


class LambdaInvoker:
    """``client`` is a botocore ``lambda`` client that never retries: a retry would call the model twice."""

    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def invoke(self, request: AdapterRequest) -> AdapterResult:
        """See ``Invoker``."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.invoke(
                FunctionName=f"{self._prefix}{request.model}", Payload=request.model_dump_json().encode()
            )
            payload = answer["Payload"].read()
        except ClientError as error:
            return _failure(request, *_client_error(error))
        except BotoCoreError as error:
            return _failure(
                request, "ProviderUnavailable", f"the adapter could not be reached ({type(error).__name__})"
            )
        if "FunctionError" in answer:
            return _failure(request, *_function_error(payload, request.deadline_ms, request.model))
        try:
            return AdapterResult.model_validate_json(payload)
        except ValidationError:
            return _failure(request, "MalformedReply", "the adapter's answer breaks its contract")


def _failure(
    request: AdapterRequest, name: FailureName, message: str, retry_after_ms: int | None = None
) -> AdapterResult:
    return AdapterResult(
        failure=AdapterFailure(name=name, message=message, model=request.model, retry_after_ms=retry_after_ms)
    )


def _client_error(error: Any) -> tuple[FailureName, str, int | None]:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code == "TooManyRequestsException":
        return "RateLimited", "the model's gate is full", 1_000
    return "ProviderUnavailable", f"the adapter could not be invoked ({code})", None


def _function_error(payload: bytes, deadline_ms: int, model: str) -> tuple[FailureName, str]:
    """A Lambda that ran out of its own time passed the deadline; any other break is an outage."""
    try:
        detail = json.loads(payload)
    except ValueError:
        detail = {}
    kind = str(detail.get("errorType", "")) if isinstance(detail, dict) else ""
    told = str(detail.get("errorMessage", "")) if isinstance(detail, dict) else ""
    if kind == "Sandbox.Timedout" or "Task timed out" in told:
        return "DeadlineExceeded", f"model_inference_deadline_exceeded at {deadline_ms}ms ({model})"
    return "ProviderUnavailable", f"the adapter broke ({kind or 'unknown error'})"
