"""The invoker that runs on AWS: one Lambda per roster model, its reserved concurrency the gate.

By one signed POST of Lambda's Invoke API: botocore and its client would be half of the router's cold start.
Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from pydantic import BaseModel, ValidationError

from signalbox.contracts.adapters import AdapterFailure, AdapterRequest, AdapterResult, FailureName
from signalbox.transport.aws import NoAwsKeys, ambient_keys
from signalbox.transport.exchange import Answer, BrokenOff, TooLarge, post, shared_client
from signalbox.transport.sigv4 import Keys, signed
from signalbox.transport.within import OutOfTime, within

# An adapter answers by its deadline; this is for the way back.
GRACE_MS = 500
# Provisioned concurrency keeps this alias warm, and no other way in.
ALIAS = "live"
CONNECT_LIMIT_MS = 2_000
# The gate lets the next one in when a call ends, which takes about this long.
GATE_RETRY_AFTER_MS = 1_000


class _Broken(BaseModel):
    """What a function that raised, or was ended, leaves behind."""

    errorType: str = ""  # noqa: N815 Lambda's name
    errorMessage: str = ""  # noqa: N815 Lambda's name


@dataclass(frozen=True)
class LambdaInvoker:
    """``prefix`` and a roster id name a function at the Lambda endpoint ``url`` of ``region``."""

    prefix: str
    region: str
    url: str
    keys: Callable[[], Keys] = ambient_keys
    client: Callable[[], httpx.Client] = shared_client

    def invoke(self, request: AdapterRequest) -> AdapterResult:
        """See ``Invoker``. Never tried twice here: the first call may have reached the model."""
        try:
            answer = within(request.deadline_ms + GRACE_MS, lambda: self._post(request))
        except (NoAwsKeys, httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL) as error:
            told = f"the adapter of {request.model} could not be reached ({type(error).__name__})"
            return _failure(request, "ProviderUnavailable", told)
        except (OutOfTime, httpx.TimeoutException):
            return _failure(request, "DeadlineExceeded", _too_late(request))
        except (BrokenOff, TooLarge, httpx.HTTPError) as error:
            # The adapter has the request: the model may answer, and will be paid; its receipt tells how much.
            told = f"the reply of {request.model} was lost on its way back ({type(error).__name__}); it may be billed"
            return _failure(request, "MalformedReply", told)
        return _result(request, answer)

    def _post(self, request: AdapterRequest) -> Answer:
        url = f"{self.url.rstrip('/')}/2015-03-31/functions/{self.prefix}{request.model}:{ALIAS}/invocations"
        body = request.model_dump_json(exclude_defaults=True).encode()
        headers, now = {"Content-Type": "application/json"}, datetime.now(UTC)
        proven = signed(url, headers, body, service="lambda", region=self.region, keys=self.keys(), now=now)
        # Not signed: what lies between may rewrite both. A connection that is kept may die while the process is
        # frozen, and a call that broke on it could not be told from one that reached the model.
        proven["Connection"] = "close"
        if trace := os.environ.get("_X_AMZN_TRACE_ID"):
            proven["X-Amzn-Trace-Id"] = trace
        ends_at = time.monotonic() + (request.deadline_ms + GRACE_MS) / 1_000
        return post(self.client(), url, proven, body, ends_at, CONNECT_LIMIT_MS)


def _result(request: AdapterRequest, answer: Answer) -> AdapterResult:
    if answer.status == 429:
        told = f"the gate of {request.model} is full"
        return _failure(request, "RateLimited", told, retry_after_ms=GATE_RETRY_AFTER_MS)
    if answer.status == 413:
        return _failure(request, "InvalidRequest", "the request is larger than Lambda hands on (6 MB)")
    if answer.status != 200:
        told = f"the adapter of {request.model} could not be invoked (status {answer.status})"
        return _failure(request, "ProviderUnavailable", told)
    if "x-amz-function-error" in answer.headers:
        return _broken(request, answer.body)
    try:
        return AdapterResult.model_validate_json(answer.body)
    except ValidationError:
        return _failure(request, "MalformedReply", f"the answer of {request.model}'s adapter breaks its contract")


def _broken(request: AdapterRequest, body: bytes) -> AdapterResult:
    """A function that ran out of its own time passed the deadline; any other break is an outage."""
    try:
        broken = _Broken.model_validate_json(body)
    except ValidationError:
        broken = _Broken()
    if broken.errorType == "Sandbox.Timedout" or "Task timed out" in broken.errorMessage:
        return _failure(request, "DeadlineExceeded", _too_late(request))
    told = f"the adapter of {request.model} broke ({broken.errorType or 'unknown error'})"
    return _failure(request, "ProviderUnavailable", told)


def _too_late(request: AdapterRequest) -> str:
    return f"model_inference_deadline_exceeded at {request.deadline_ms}ms ({request.model})"


def _failure(
    request: AdapterRequest, name: FailureName, message: str, retry_after_ms: int | None = None
) -> AdapterResult:
    return AdapterResult(
        failure=AdapterFailure(name=name, message=message, model=request.model, retry_after_ms=retry_after_ms)
    )
