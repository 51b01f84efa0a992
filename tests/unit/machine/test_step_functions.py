"""How an execution ended, by every answer there is; and what was lost is never taken for what never was."""

import json
from collections.abc import Callable

import httpx
import pytest

from signalbox.contracts.plans import Ran, Start
from signalbox.machine.step_functions import StepFunctionsMachine
from signalbox.transport.aws import NoAwsKeys
from signalbox.transport.sigv4 import Keys

pytestmark = pytest.mark.row("C5")
ARN = "arn:aws:states:eu-north-1:1:stateMachine:cascade"
RUN = f"{ARN.replace('stateMachine', 'execution')}:req_1"
SECRET = "what was said"
START = Start(
    caller="alice", request_id="req_1", plan="cascade", at="fast_pass", deadline_at_ms=17_000, ceiling_microusd=90
)
Answer = httpx.Response | Exception


class Service:
    """Step Functions with one answer, and what it was asked."""

    def __init__(self, answer: Answer, keys: Callable[[], Keys] = lambda: Keys("a", "b", "c")) -> None:
        self.asked: list[httpx.Request] = []
        client = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.answer = answer
        self.machine = StepFunctionsMachine(
            ARN, "eu-north-1", "http://states", "http://sync-states/", keys, lambda: client
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def run(self) -> Ran:
        return self.machine.run(START, 5_000)


def ended(status: str, **more: str) -> httpx.Response:
    return httpx.Response(200, json={"executionArn": RUN, "status": status, "output": SECRET, **more})


def refusal(code: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"__type": f"com.amazonaws.swf#{code}", "message": SECRET})


@pytest.mark.parametrize(
    ("answer", "ran"),
    [
        (ended("SUCCEEDED"), Ran(status="succeeded", execution=RUN)),
        (
            ended("FAILED", error="Unsettled", cause=SECRET),
            Ran(status="failed", error="Unsettled", execution=RUN),
        ),
        (ended("TIMED_OUT", error="States.Timeout"), Ran(status="timed_out", error="States.Timeout", execution=RUN)),
        (ended("FAILED", error=""), Ran(status="failed", execution=RUN)),
    ],
    ids=str,
)
def test_an_execution_that_ran_answers_200_and_its_status_counts(answer: httpx.Response, ran: Ran) -> None:
    assert Service(answer).run() == ran


@pytest.mark.parametrize(
    "answer",
    [
        refusal("StateMachineDoesNotExist"),
        refusal("ThrottlingException"),
        refusal("ExecutionLimitExceeded"),
        refusal("InvalidExecutionInput"),
        refusal("AccessDeniedException", 403),
        httpx.Response(429, text=SECRET),
        httpx.ConnectError(SECRET),
        httpx.ConnectTimeout(SECRET),
        httpx.PoolTimeout(SECRET),
        httpx.InvalidURL(SECRET),
    ],
    ids=str,
)
def test_what_was_refused_never_ran(answer: Answer) -> None:
    service = Service(answer)
    ran = service.run()
    assert ran.status == "unreachable"
    assert SECRET not in str(ran)
    assert len(service.asked) == 1, "not tried again: that is for who called"
    assert not service.machine.start(START)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text=SECRET),
        httpx.Response(500, json={"status": "SUCCEEDED"}),
        refusal("ServiceUnavailable", 503),
        httpx.Response(302, headers={"location": "http://elsewhere"}),
        httpx.ReadTimeout(SECRET),
        httpx.ReadError(SECRET),
        httpx.WriteError(SECRET),
        httpx.RemoteProtocolError(SECRET),
    ],
    ids=str,
)
def test_what_was_lost_may_run(answer: Answer) -> None:
    service = Service(answer)
    assert service.run() == Ran(status="unknown")
    assert len(service.asked) == 1
    assert service.machine.start(START), "nobody else may do what it may be doing"


@pytest.mark.parametrize(
    "answer",
    [
        ended("RUNNING"),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[SECRET]),
        httpx.Response(200, text=SECRET),
        httpx.Response(200, content=b"x" * 5_000_001),
    ],
    ids=["running", "empty", "list", "text", "large"],
)
def test_an_answer_that_says_nothing_is_as_good_as_lost(answer: httpx.Response) -> None:
    assert Service(answer).run() == Ran(status="unknown")


def test_without_time_or_keys_nothing_is_asked() -> None:
    def none() -> Keys:
        raise NoAwsKeys("no AWS credentials were found")

    late, keyless = Service(ended("SUCCEEDED")), Service(ended("SUCCEEDED"), none)
    assert late.machine.run(START, 0).status == "unreachable"
    assert keyless.run().status == "unreachable"
    assert not keyless.machine.start(START)
    assert not late.asked
    assert not keyless.asked


@pytest.mark.parametrize("answer", [httpx.Response(200, json={"executionArn": RUN}), refusal("ExecutionAlreadyExists")])
def test_what_was_started_is_not_waited_for(answer: httpx.Response) -> None:
    service = Service(answer)
    assert service.machine.start(START)
    (asked,) = service.asked
    assert str(asked.url) == "http://states/"
    assert asked.headers["x-amz-target"] == "AWSStepFunctions.StartExecution"


def test_a_call_is_one_signed_post_with_no_words_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793")
    service = Service(ended("SUCCEEDED"))
    service.run()
    (asked,) = service.asked
    assert (asked.method, str(asked.url)) == ("POST", "http://sync-states/")
    assert asked.headers["x-amz-target"] == "AWSStepFunctions.StartSyncExecution"
    assert asked.headers["content-type"] == "application/x-amz-json-1.0"
    assert asked.headers["x-amzn-trace-id"] == "Root=1-5759e988-bd862e3fe1be46a994272793"
    assert asked.headers["connection"] == "close"
    assert (
        "/eu-north-1/states/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;"
        in (asked.headers["authorization"])
    )
    told = json.loads(asked.content)
    assert told.keys() == {"stateMachineArn", "name", "input"}
    assert (told["stateMachineArn"], told["name"]) == (ARN, "req_1")
    assert json.loads(told["input"]) == START.model_dump()
