"""Every state and every transition of the machine: what a step comes to, and where that leads."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from signalbox.contracts.plans import Start
from signalbox.execution.cascade.failures import BY_NAME
from signalbox.ids import request_id
from tests.functional.machine import DEFINITION, LocalMachine, Outcome, Script, Walk, running_machine

pytestmark = [pytest.mark.row("C5"), pytest.mark.row("E3")]
STATES: dict[str, Any] = json.loads(DEFINITION.read_text())["States"]
SCRIPT: Script = {
    "fast_pass": [{"step": "fast_pass", "replied": True}],
    "judge": [{"verdict": "accept", "confidence": 0.91}],
    "verify": [{"resolution": "confirmed"}],
    "escalate": [{"resolution": "escalated"}],
    "integrity": [{"intact": True, "next": "settle"}],
    "settle": [{"status": 200, "webhook": False}],
    "notify": [{"status": 204}],
}
BROKEN: Outcome = {"intact": False, "next": "escalate"}
FAST = ("Begin", "At", "FastPass", "Plan", "Judge")
END = ("Settle", "Webhook", "Done")
WHOLE = ("Integrity", "Intact", *END)
SETTLED: Outcome = {"status": 200, "webhook": True}
ENDS = ("OutOfTime", "CostCeilingReached")
# The last two are AWS's: the machine lost its patience with the function, or Lambda did.
LASTING = (*sorted(BY_NAME.keys() - {*ENDS, "StateUnavailable"}), "States.Timeout", "Sandbox.Timedout")
TRANSIENT = (
    *("StateUnavailable", "Lambda.ServiceException", "Lambda.AWSLambdaException"),
    *("Lambda.SdkClientException", "Lambda.TooManyRequestsException"),
)


@dataclass(frozen=True)
class Case:
    """``does`` is what differs from ``SCRIPT``; ``again`` how often a step is asked beyond the first time."""

    name: str
    states: tuple[str, ...]
    does: Script = field(default_factory=dict)
    at: str = "fast_pass"
    plan: str = "cascade"
    caught: tuple[str, ...] = ()
    again: dict[str, int] = field(default_factory=dict)
    status: str = "SUCCEEDED"
    left_ms: int = 20_000


def verdict(name: str) -> Script:
    return {"judge": [{"verdict": name, "confidence": 0.6}]}


def starts() -> Iterator[Case]:
    """Where it may begin, as the plans have it."""
    begin = ("Begin", "At")
    yield Case("cascade", (*FAST, "Verdict", *WHOLE))
    yield Case("rerank", (*FAST[:-1], "Verify", *WHOLE), plan="rerank")
    yield Case("from the judge", (*begin, "Judge", "Verdict", *WHOLE), at="judge", plan="verify")
    yield Case("from verify", (*begin, "Verify", *WHOLE), at="verify", plan="verify")
    yield Case("from escalate", (*begin, "Escalate", *WHOLE), at="escalate")
    yield Case("from nowhere", begin, at="settle", status="FAILED")


def verdicts() -> Iterator[Case]:
    yield Case("sure", (*FAST, "Verdict", *WHOLE), verdict("accept"))
    yield Case("unsure", (*FAST, "Verdict", "Verify", *WHOLE), verdict("verify"))
    yield Case("surely not", (*FAST, "Verdict", "Escalate", *WHOLE), verdict("escalate"))
    yield Case("no verdict known", (*FAST, "Verdict", "Verify", *WHOLE), verdict("perhaps"))
    yield Case("no verdict", (*FAST, "Verdict", "Verify", *WHOLE), {"judge": [{}]})


def looks() -> Iterator[Case]:
    """A broken reply goes to the stronger model once."""
    once = (*FAST, "Verdict", "Integrity", "Intact", "Escalate", "Integrity", "Intact", *END)
    kept: Outcome = {"intact": True, "next": "settle"}
    yield Case("mended", once, {"integrity": [BROKEN, kept]})
    yield Case("broken for good", once, {"integrity": [BROKEN]})
    yield Case(
        "mending fails",
        once,
        {"integrity": [BROKEN, kept], "escalate": ["ProviderUnavailable"]},
        caught=("ProviderUnavailable",),
    )
    yield Case("told to settle", (*FAST, "Verdict", *WHOLE), {"integrity": [{"intact": False, "next": "settle"}]})


def failures() -> Iterator[Case]:
    """What never passes is asked once: it may have been paid for."""
    for error in (*ENDS, *LASTING):
        fast = (*FAST[:3], *(WHOLE if error in ENDS else ("Escalate", *WHOLE)))
        yield Case(f"fast pass: {error}", fast, {"fast_pass": [error]}, caught=(error,))
        judged = (*FAST, *(WHOLE if error in ENDS else ("Verify", *WHOLE)))
        yield Case(f"judge: {error}", judged, {"judge": [error]}, caught=(error,))
        yield Case(
            f"verify: {error}",
            (*FAST, "Verdict", "Verify", *WHOLE),
            {**verdict("verify"), "verify": [error]},
            caught=(error,),
        )
        yield Case(
            f"escalate: {error}",
            (*FAST, "Verdict", "Escalate", *WHOLE),
            {**verdict("escalate"), "escalate": [error]},
            caught=(error,),
        )
    yield Case(
        "integrity: any", (*FAST, "Verdict", "Integrity", *END), {"integrity": ["KeyError"]}, caught=("KeyError",)
    )
    yield Case("settle: any", (*FAST, "Verdict", *WHOLE[:3], "Unsettled"), {"settle": ["KeyError"]}, status="FAILED")
    yield Case(
        "everything",
        (*FAST[:3], "Escalate", "Integrity", "Settle", "Unsettled"),
        {step: ["ProviderUnavailable"] for step in SCRIPT},
        status="FAILED",
    )


def retries() -> Iterator[Case]:
    """What passes is asked again: as often as the definition says, and then it is like any other failure."""
    most = {"fast_pass": 2, "judge": 2, "verify": 2, "integrity": 1, "settle": 3}
    path = (*FAST, "Verdict", "Verify", *WHOLE)
    ways: dict[str, tuple[str, ...]] = {
        "fast_pass": (*FAST[:3], "Escalate", *WHOLE),
        "judge": (*FAST, "Verify", *WHOLE),
        "verify": path,
        "integrity": (*FAST, "Verdict", "Verify", "Integrity", *END),
        "settle": (*FAST, "Verdict", "Verify", *WHOLE[:3], "Unsettled"),
    }
    for step, lasting in ways.items():
        again = {step: most[step]}
        works = dict(SCRIPT)[step] if step != "judge" else verdict("verify")["judge"]
        passing: Script = {**verdict("verify"), step: [*(["StateUnavailable"] * most[step]), *works]}
        yield Case(f"{step}: passes", path, passing, again=again)
        status = "FAILED" if step == "settle" else "SUCCEEDED"
        caught = () if step == "settle" else ("StateUnavailable",)
        lasts: Script = {**verdict("verify"), step: ["StateUnavailable"]}
        yield Case(f"{step}: lasts", lasting, lasts, caught=caught, again=again, status=status)
    surely_not = (*FAST, "Verdict", "Escalate", *WHOLE)
    lasts = {**verdict("escalate"), "escalate": ["StateUnavailable"]}
    yield Case("escalate: lasts", surely_not, lasts, caught=("StateUnavailable",), again={"escalate": 2})
    for error in TRANSIENT:
        anew: Script = {**verdict("escalate"), "escalate": [error, {"resolution": "escalated"}]}
        yield Case(f"escalate: {error} once", surely_not, anew, again={"escalate": 1})


def webhooks() -> Iterator[Case]:
    told = ("Begin", "At", "Judge", "Verdict", *WHOLE[:4], "Notify", "Done")
    base = Case("", told, {"settle": [SETTLED]}, at="judge", plan="verify")
    yield replace(base, name="told")
    hears: Script = {"settle": [SETTLED], "notify": [*["WebhookFailed"] * 3, {"status": 200}]}
    yield replace(base, name="told in the end", does=hears, again={"notify": 3})
    deaf: Script = {"settle": [SETTLED], "notify": ["WebhookFailed"]}
    yield replace(base, name="deaf", does=deaf, again={"notify": 3}, caught=("WebhookFailed",))
    lasts: Script = {"settle": [SETTLED], "notify": ["StateUnavailable"]}
    yield replace(base, name="nobody knows whom", does=lasts, again={"notify": 2}, caught=("StateUnavailable",))
    refused: Script = {"settle": [SETTLED], "notify": ["KeyError"]}
    yield replace(base, name="refused", does=refused, caught=("KeyError",))


def out_of_time() -> Iterator[Case]:
    """A step that hangs is left alone when the deadline and a second's grace are over."""
    yield Case(
        "hangs",
        ("Begin", "At", "Verify", *WHOLE),
        {"verify": [4.0]},
        at="verify",
        caught=("States.Timeout",),
        left_ms=1_000,
    )


CASES = [*starts(), *verdicts(), *looks(), *failures(), *retries(), *webhooks(), *out_of_time()]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    with running_machine(tmp_path_factory.mktemp("machine")) as running:
        yield running


def a_start(case: Case) -> Start:
    at_ms = time.time_ns() // 1_000_000 + case.left_ms
    known = Start.model_construct(at=case.at, plan=case.plan)  # also what no Start may be
    return known.model_copy(
        update={
            "caller": "alice",
            "request_id": request_id(),
            "deadline_at_ms": at_ms,
            "ceiling_microusd": 900,
            "webhook": False,
        }
    )


def walked(local: LocalMachine, case: Case) -> tuple[Start, Walk]:
    start = a_start(case)
    return start, local.walk(local.begin(start, {**SCRIPT, **case.does}))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_step_comes_to_decides_what_is_next(local: LocalMachine, case: Case) -> None:
    start, walk = walked(local, case)
    assert walk.states == case.states
    assert walk.status == case.status
    tasks = [state for state in walk.states if STATES[state]["Type"] == "Task"]
    assert len(walk.steps) == len(tasks) + sum(case.again.values())
    for step, times in case.again.items():
        assert walk.steps.count(step) == 1 + times
    for sent in walk.sent:
        assert sent.pop("step") in SCRIPT
        assert sent.pop("ordinal") in (1, 2)
        assert sent == start.model_dump(include={"caller", "request_id", "plan", "deadline_at_ms", "ceiling_microusd"})
    if walk.status == "SUCCEEDED":
        assert walk.output == {"status": 200, "webhook": "Notify" in case.states, "caught": list(case.caught)}
    assert "words that must not travel" not in walk.history


def test_the_second_look_is_told_from_the_first(local: LocalMachine) -> None:
    _, walk = walked(local, next(case for case in CASES if case.name == "mended"))
    assert [(one["step"], one["ordinal"]) for one in walk.sent] == [
        *(("fast_pass", 1), ("judge", 1), ("integrity", 1)),
        *(("escalate", 1), ("integrity", 2), ("settle", 1)),
    ]


def test_the_cases_take_every_way_there_is() -> None:
    taken = {pair for case in CASES for pair in zip(case.states, case.states[1:], strict=False)}
    there = {
        (name, way["Next"])
        for name, state in STATES.items()
        for way in (state, *state.get("Choices", []), *state.get("Catch", []), {"Next": state.get("Default")})
        if way.get("Next")
    }
    assert taken == there
    assert {state for case in CASES for state in case.states} == set(STATES)


def test_a_caller_who_waits_learns_how_it_ended(local: LocalMachine) -> None:
    good, bad = a_start(CASES[0]), a_start(CASES[0])
    local.prepare(good, SCRIPT)
    local.prepare(bad, {**SCRIPT, "settle": ["KeyError"]})
    ended = local.machine.run(good, 20_000)
    assert (ended.status, ended.error) == ("succeeded", None)
    assert (ended.execution or "").endswith(f":cascade:{good.request_id}")
    failed = local.machine.run(bad, 20_000)
    assert (failed.status, failed.error) == ("failed", "Unsettled")


def test_who_does_not_wait_finds_it_begun_once(local: LocalMachine) -> None:
    start = a_start(replace(CASES[0], at="judge", plan="verify"))
    local.prepare(start, SCRIPT)
    assert local.machine.start(start)
    assert local.machine.start(start), "it runs already"
    walk = local.walk(f"{local.arn.replace(':stateMachine:', ':execution:')}:{start.request_id}")
    assert walk.steps == ("judge", "integrity", "settle")


def test_a_caller_who_waits_no_longer_does_not_know(local: LocalMachine) -> None:
    start = a_start(CASES[0])
    local.prepare(start, {**SCRIPT, "judge": [1.5]})
    assert local.machine.run(start, 500).status == "unknown"


def test_a_machine_that_is_not_there_runs_nothing(local: LocalMachine) -> None:
    elsewhere = replace(local.machine, arn=f"{local.arn}-gone")
    start = a_start(CASES[0])
    ran = elsewhere.run(start, 5_000)
    assert (ran.status, ran.error) == ("unreachable", "StateMachineDoesNotExist")
    assert not elsewhere.start(start)
