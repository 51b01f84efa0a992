"""``Machine`` in memory: walks the real definition's states, its steps carried out in process."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signalbox.contracts.plans import Ran, Start
from signalbox.execution.cascade.carry import Named, carry, told
from signalbox.execution.cascade.failures import JobUnknown, StateUnavailable, StepFailed
from signalbox.execution.cascade.settle import end
from signalbox.execution.cascade.work import Tools
from signalbox.execution.ports import Ledger, Receipts, Replies
from signalbox.transport.dynamodb import StoreUnavailable

STATES: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "functions/cascade/definition.asl.json").read_text("utf-8")
)["States"]
_STEPS = {
    "FastPass": "fast_pass",
    "Judge": "judge",
    "Verify": "verify",
    "Escalate": "escalate",
    "Integrity": "integrity",
}


@dataclass
class _Walk:
    start: Start
    input: dict[str, Any] = field(default_factory=dict)
    looks: int = 1


# What the definition's conditions say, each in the words that it has there.
_CONDITIONS: dict[str, Callable[[_Walk], bool]] = {
    **{
        f"{{% $states.input.at = '{at}' %}}": (lambda walk, at=at: walk.start.at == at)  # type: ignore[misc]
        for at in ("fast_pass", "judge", "verify", "escalate")
    },
    "{% $job.plan = 'rerank' %}": lambda walk: walk.start.plan == "rerank",
    "{% $states.input.verdict = 'accept' %}": lambda walk: walk.input.get("verdict") == "accept",
    "{% $states.input.verdict = 'escalate' %}": lambda walk: walk.input.get("verdict") == "escalate",
    "{% $states.input.next = 'escalate' and $looks = 1 %}": lambda walk: (
        walk.input.get("next") == "escalate" and walk.looks == 1
    ),
    "{% $states.input.webhook = true %}": lambda walk: walk.input.get("webhook") is True,
}


@dataclass
class StepMachine:
    """``broken``: by state, the error that its task ends with instead. ``later``: started, and run when told to."""

    tools: Tools
    replies: Replies
    ledger: Ledger
    receipts: Receipts
    broken: dict[str, str] = field(default_factory=dict)
    reachable: bool = True
    visited: list[str] = field(default_factory=list)
    waiting: list[Start] = field(default_factory=list)

    def run(self, start: Start, limit_ms: int) -> Ran:
        if not self.reachable:
            return Ran(status="unreachable")
        return self._walk(start)

    def start(self, start: Start) -> bool:
        if self.reachable:
            self.waiting.append(start)
        return self.reachable

    def go_on(self) -> Ran:
        """Run what was started."""
        return self._walk(self.waiting.pop(0))

    def _walk(self, start: Start) -> Ran:
        walk, state = _Walk(start), "Begin"
        while True:
            self.visited.append(state)
            found = STATES[state]
            match found["Type"]:
                case "Fail":
                    return Ran(status="failed", error=found["Error"])
                case "Pass" if found.get("End"):
                    return Ran(status="succeeded")
                case "Pass":
                    state = found["Next"]
                case "Choice":
                    chosen = next((one for one in found["Choices"] if _CONDITIONS[one["Condition"]](walk)), None)
                    walk.looks = (chosen or {}).get("Assign", {}).get("looks", walk.looks)
                    state = chosen["Next"] if chosen else found["Default"]
                case "Task":
                    state = self._task(state, found, walk)

    def _task(self, name: str, state: dict[str, Any], walk: _Walk) -> str:
        try:
            if name in self.broken:
                error = self.broken[name]
            else:
                walk.input = self._step(name, walk)
                return str(state["Next"])
        except StepFailed as failed:
            error = type(failed).__name__
        walk.input = {}
        return next(
            str(one["Next"])
            for one in state["Catch"]
            if error in one["ErrorEquals"] or "States.ALL" in one["ErrorEquals"]
        )

    def _step(self, name: str, walk: _Walk) -> dict[str, Any]:
        caller, request_id = walk.start.caller, walk.start.request_id
        if name in _STEPS:
            ordinal = walk.looks if name == "Integrity" else 1
            one = Named(caller, request_id, _STEPS[name], ordinal)  # type: ignore[arg-type]
            return told(carry(one, self.replies, self.tools))
        if name == "Notify":
            return {"status": 200}
        try:
            progress = self.replies.progress(caller, request_id)
            if progress is None:
                raise JobUnknown("there is no such job")
            end(progress, self.replies, self.ledger, self.receipts, self.tools.clock)
        except StoreUnavailable as error:
            raise StateUnavailable(str(error)) from None
        return {"webhook": progress.job.decision.terms.webhook is not None}
