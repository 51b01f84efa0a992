"""The machine as it is written: bounded, without dead ends, and with every error called by a name that exists."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signalbox.execution.cascade.failures import BY_NAME, CostCeilingReached, OutOfTime, StateUnavailable
from signalbox.policy.document import RouteSpec
from signalbox.webhooks.deliver import WebhookFailed
from tests.unit.shape.template import RESOURCES

pytestmark = [pytest.mark.row("C5"), pytest.mark.row("E3")]
FILE = Path(__file__).parents[3] / "functions" / "cascade" / "definition.asl.json"
MACHINE: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
STATES: dict[str, Any] = MACHINE["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
STEPS = {
    **{"FastPass": "fast_pass", "Judge": "judge", "Verify": "verify", "Escalate": "escalate"},
    **{"Integrity": "integrity", "Settle": "settle", "Notify": "notify"},
}
# They ask models, so what they may take ends with the deadline.
ASKING = ("FastPass", "Judge", "Verify", "Escalate")
FINAL = {"Done", "Unsettled"}
EXPRESS_LIMIT_S = 300
# Failures that come before or after a model's answer, never instead of it: the step sees to that.
TRANSIENT = {
    StateUnavailable.__name__,
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
}
# Nothing more may be bought.
OVER = {OutOfTime.__name__, CostCeilingReached.__name__}


def longest_verify_s() -> float:
    """What the policy lets a route ask for."""
    (most,) = [one.le for one in RouteSpec.model_fields["verify_within_ms"].metadata if hasattr(one, "le")]
    return float(most) / 1_000


def ways(name: str) -> Iterator[str]:
    """Where ``name`` may lead."""
    state = STATES[name]
    for way in (state, *state.get("Choices", []), *state.get("Catch", [])):
        if "Next" in way:
            yield way["Next"]
    if "Default" in state:
        yield state["Default"]


def waits_s(name: str) -> float:
    """The longest that the retries of ``name`` wait in all."""
    total = 0.0
    for retrier in STATES[name].get("Retry", []):
        for count in range(retrier["MaxAttempts"]):
            grown = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** count
            total += min(grown, retrier["MaxDelaySeconds"])
    return total


def longest_s(name: str, mended: bool = False) -> float:
    """The longest that retries wait on any way from ``name``; the reply is mended once at most."""
    further = [0.0]
    for way in ways(name):
        if (name, way) == ("Intact", "Escalate"):
            further += [] if mended else [longest_s(way, mended=True)]
        else:
            further.append(longest_s(way, mended))
    return waits_s(name) + max(further)


def test_it_is_written_in_jsonata_alone() -> None:
    assert MACHINE["QueryLanguage"] == "JSONata"
    assert not any("QueryLanguage" in state for state in STATES.values())


def test_every_state_is_reached_and_leads_to_an_end() -> None:
    reached, ahead = set(), [MACHINE["StartAt"]]
    while ahead:
        reached.add(name := ahead.pop())
        ahead += [way for way in ways(name) if way not in reached]
    assert reached == set(STATES)
    assert {name for name in STATES if not list(ways(name))} == FINAL


def test_the_only_way_back_is_taken_once() -> None:
    (back,) = STATES["Intact"]["Choices"]
    assert "$looks = 1" in back["Condition"]
    assert back["Assign"] == {"looks": 2}
    assert back["Next"] == "Escalate"
    assert longest_s("Begin") > 0, "any other way back would not end here"


def test_every_step_has_its_task() -> None:
    assert TASKS.keys() == STEPS.keys()


@pytest.mark.parametrize("name", TASKS)
def test_a_task_asks_the_one_function_for_its_step(name: str) -> None:
    task = TASKS[name]
    assert task["Resource"] == "arn:${Partition}:states:::lambda:invoke"
    assert task["Arguments"].keys() == {"FunctionName", "Payload"}
    assert task["Arguments"]["FunctionName"] == "${CascadeFunctionArn}"
    ordinal = "$looks" if name == "Integrity" else "1"
    payload = f"{{% $merge([$job, {{'step': '{STEPS[name]}', 'ordinal': {ordinal}}}]) %}}"
    assert task["Arguments"]["Payload"] == payload


@pytest.mark.parametrize("name", TASKS)
def test_a_task_ends_in_time(name: str) -> None:
    limit = TASKS[name]["TimeoutSeconds"]
    if name in ASKING:
        assert limit == "{% $max([1, $ceil(($job.deadline_at_ms - $millis()) / 1000) + 1]) %}"
    else:
        assert 0 < limit <= 15


@pytest.mark.parametrize("name", TASKS)
def test_a_task_tries_again_by_name_what_cannot_have_been_paid_for(name: str) -> None:
    retried = [set(one["ErrorEquals"]) for one in TASKS[name]["Retry"]]
    assert retried == ([TRANSIENT, {WebhookFailed.__name__}] if name == "Notify" else [TRANSIENT])
    for one in TASKS[name]["Retry"]:
        assert one["JitterStrategy"] == "FULL"
        assert one["BackoffRate"] > 1
        assert 1 <= one["MaxAttempts"] <= 3
        assert one["IntervalSeconds"] < one["MaxDelaySeconds"]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_catches_whatever_is_left(name: str) -> None:
    *named, rest = TASKS[name]["Catch"]
    assert rest["ErrorEquals"] == ["States.ALL"]
    told = {error for one in named for error in one["ErrorEquals"]}
    assert told == (OVER if name in ("FastPass", "Judge") else set())
    assert told <= BY_NAME.keys()


@pytest.mark.parametrize("name", TASKS)
def test_what_is_caught_leaves_its_name_and_none_of_its_words(name: str) -> None:
    for one in TASKS[name]["Catch"]:
        assert one["Assign"] == {"caught": "{% [$caught, $states.errorOutput.Error] %}"}
        # Without an output of its own the error's would be taken, words and all.
        assert one["Output"] == ("{% $states.input %}" if name == "Notify" else {})


def test_waiting_for_retries_leaves_a_caller_time() -> None:
    """Twenty seconds of a gateway's twenty-nine, when everything that can fail twice does; jitter halves it."""
    assert "Notify" in TASKS
    assert longest_s("FastPass") - waits_s("Notify") < 20
    assert waits_s("Settle") > max(waits_s(name) for name in TASKS if name not in ("Settle", "Notify"))


def test_it_ends_by_itself_before_aws_ends_it() -> None:
    after = sum(TASKS[name]["TimeoutSeconds"] for name in ("Integrity", "Settle", "Notify"))
    assert longest_verify_s() + after < MACHINE["TimeoutSeconds"] < EXPRESS_LIMIT_S


@pytest.mark.row("D2")
def test_the_function_outlives_the_longest_step_and_not_the_machine() -> None:
    function = RESOURCES["CascadeFunction"]["Properties"]
    assert longest_verify_s() < function["Timeout"] < MACHINE["TimeoutSeconds"]


@pytest.mark.row("D2")
def test_the_template_makes_an_express_machine_of_it_that_keeps_no_words() -> None:
    machine = RESOURCES["CascadeMachine"]["Properties"]
    assert machine["Type"] == "EXPRESS"
    assert FILE.as_posix().endswith(machine["DefinitionUri"])
    assert machine["DefinitionSubstitutions"] == {
        "CascadeFunctionArn": {"Ref": "CascadeFunction.Alias"},
        "Partition": {"Ref": "AWS::Partition"},
    }
    assert (machine["Logging"]["Level"], machine["Logging"]["IncludeExecutionData"]) == ("ERROR", False)
    assert machine["Tracing"] == {"Enabled": True}
