"""The state machine as AWS Step Functions runs it, an Express one, by signed POSTs.

Nothing is tried twice here: no Express execution is started only once, whatever its name, and which of two callers
goes on is for the steps themselves to find out.
Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import httpx

from signalbox.contracts.plans import Ran, Start
from signalbox.transport.aws import NoAwsKeys, ambient_keys
from signalbox.transport.exchange import Answer, BrokenOff, TooLarge, post, shared_client
from signalbox.transport.json_call import error_code, json_object
from signalbox.transport.sigv4 import Keys, signed
from signalbox.transport.within import OutOfTime, within

CONNECT_LIMIT_MS = 2_000
# Starting is a matter of tens of milliseconds; whoever has more time than this has a reply to give instead.
START_LIMIT_MS = 3_000

_Ended = Literal["succeeded", "failed", "timed_out"]
_ENDED: dict[str, _Ended] = {one.upper(): one for one in get_args(_Ended)}
# Nothing was sent.
_NOT_SENT = (NoAwsKeys, httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL)
# It was, or may have been.
_LOST = (OutOfTime, BrokenOff, TooLarge, httpx.HTTPError)
_UNREACHABLE, _UNKNOWN = Ran(status="unreachable"), Ran(status="unknown")


@dataclass(frozen=True)
class StepFunctionsMachine:
    """The Express machine ``arn`` in ``region``. AWS has another host, ``sync_url``, for calls that wait."""

    arn: str
    region: str
    url: str
    sync_url: str
    keys: Callable[[], Keys] = ambient_keys
    client: Callable[[], httpx.Client] = shared_client

    def run(self, start: Start, limit_ms: int) -> Ran:
        """See ``Machine``."""
        if limit_ms <= 0:
            return _UNREACHABLE
        try:
            answer = self._post("StartSyncExecution", self.sync_url, start, limit_ms)
        except _NOT_SENT:
            return _UNREACHABLE
        except _LOST:
            return _UNKNOWN
        return _ran(answer)

    def start(self, start: Start) -> bool:
        """See ``Machine``. Of a name that is taken one runs already; AWS has none that are taken, a local one has.

        An answer that was lost counts as a start: nobody else may do then what the machine may be doing.
        """
        try:
            answer = self._post("StartExecution", self.url, start, START_LIMIT_MS)
        except _NOT_SENT:
            return False
        except _LOST:
            return True
        return not 400 <= answer.status < 500 or error_code(answer) == "ExecutionAlreadyExists"

    def _post(self, operation: str, url: str, start: Start, limit_ms: int) -> Answer:
        told = {"stateMachineArn": self.arn, "name": start.request_id, "input": start.model_dump_json()}
        body, ends_at = json.dumps(told).encode(), time.monotonic() + limit_ms / 1_000

        def call() -> Answer:
            address = url.rstrip("/") + "/"
            headers = self._headers(operation, address, body)
            return post(self.client(), address, headers, body, ends_at, CONNECT_LIMIT_MS)

        return within(limit_ms, call)

    def _headers(self, operation: str, url: str, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AWSStepFunctions.{operation}"}
        now = datetime.now(UTC)
        proven = signed(url, headers, body, service="states", region=self.region, keys=self.keys(), now=now)
        # Not signed: what lies between may rewrite both. A connection that is kept may die while the process is
        # frozen, and a call that broke on it could not be told from one that started something.
        proven["Connection"] = "close"
        if trace := os.environ.get("_X_AMZN_TRACE_ID"):
            proven["X-Amzn-Trace-Id"] = trace
        return proven


def _ran(answer: Answer) -> Ran:
    """An error code is kept for what kept the execution from running; one that ran and failed answers 200."""
    if 400 <= answer.status < 500:
        return Ran(status="unreachable", error=error_code(answer))
    told = json_object(answer.body) if answer.status == 200 else None
    ended = _ENDED.get(str(told.get("status"))) if told else None
    if told is None or ended is None:
        return _UNKNOWN
    return Ran(status=ended, error=_text(told, "error"), execution=_text(told, "executionArn"))


def _text(told: dict[str, Any], name: str) -> str | None:
    """None for what is missing, empty or no text."""
    found = told.get(name)
    return found if isinstance(found, str) and found else None
