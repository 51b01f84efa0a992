"""One step's view of its plan: what is known, what time and money are left, and the models to ask."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import sleep

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Hop, HopStep
from signalbox.contracts.ledger import AttemptFacts
from signalbox.contracts.plans import Job, Progress, Step, StepResult
from signalbox.contracts.requests import InferenceRequest
from signalbox.execution.cascade.failures import CostCeilingReached, NobodyToAsk, OutOfTime, named
from signalbox.execution.entries import attempt_facts
from signalbox.execution.hops import LEAST_HOP_MS, Asking, run_hops, share_ms
from signalbox.execution.ports import Clock, Health, Invoker
from signalbox.policy.resolved import Policy


@dataclass(frozen=True)
class Tools:
    """What carrying a step out takes from the outside."""

    policy: Policy
    invoker: Invoker
    clock: Clock
    health: Health
    sleep_s: Callable[[float], None] = sleep


@dataclass
class Work:
    """``attempts`` grows with every model that is asked, also where the step then fails."""

    progress: Progress
    tools: Tools
    step: Step
    attempts: list[AttemptFacts] = field(default_factory=list)

    @property
    def job(self) -> Job:
        return self.progress.job

    @property
    def left_ms(self) -> int:
        return self.job.deadline_at_ms - self.tools.clock.now_ms()

    @property
    def left_microusd(self) -> int:
        """Of the ceiling; what may have been billed unheard counts at its worst."""
        spent = sum(self._cost(one) for result in self.progress.results for one in result.attempts)
        lost = sum(hop.worst_cost_microusd for hop in lost_hops(self.progress, self.step))
        return self.job.ceiling_microusd - spent - lost - sum(map(self._cost, self.attempts))

    def ask(
        self,
        hops: Sequence[Hop],
        request: InferenceRequest,
        *,
        attempt: str = "",
        logprobs: bool = False,
        behind: Sequence[Hop] = (),
    ) -> AdapterReply:
        """The reply of the first of ``hops`` that gives one. ``behind``: who comes next, and needs time too.

        Raises ``StepFailed`` by the name of what stopped it.
        """
        if not hops:
            raise NobodyToAsk("no model may do this now")
        if self.left_ms < LEAST_HOP_MS:
            raise OutOfTime(f"model_inference_deadline_exceeded at {self.job.decision.deadline_ms}ms")
        left = self.left_microusd
        if all(hop.worst_cost_microusd > left for hop in hops):
            raise CostCeilingReached(f"worst_cost_microusd={hops[0].worst_cost_microusd} left={left}")
        job, tools = self.job, self.tools
        asking = Asking(job.decision, tools.policy, tools.invoker, tools.clock, tools.health, job.receipt)
        ends_at_ms = tools.clock.now_ms() + share_ms(self.left_ms, behind)
        outcome = run_hops(request, hops, asking, ends_at_ms, attempt=attempt, logprobs=logprobs, left_microusd=left)
        self.attempts += map(attempt_facts, outcome.attempts)
        if outcome.reply is not None:
            return outcome.reply
        last = next((one.failure for one in reversed(outcome.attempts) if one.failure), None)
        if last is None:
            raise OutOfTime(f"model_inference_deadline_exceeded at {job.decision.deadline_ms}ms")
        raise named(last.name, last.message)

    def _cost(self, attempt: AttemptFacts) -> int:
        if attempt.cost_microusd or not attempt.may_be_billed:
            return attempt.cost_microusd
        hops = [hop.worst_cost_microusd for hop in self.job.decision.hops if hop.model == attempt.model]
        return max(hops, default=0)


# What each step asks of models, by its hops.
ASKS: dict[Step, tuple[HopStep, ...]] = {
    "fast_pass": ("answer", "sample"),
    "judge": ("self_check",),
    "verify": ("verify",),
    "escalate": ("escalate",),
}


def lost_hops(progress: Progress, but: Step | None = None) -> tuple[Hop, ...]:
    """Of steps that somebody began and left no result of: any of these hops may have been billed."""
    lost = [step for step in ASKS if f"{step}-1" in progress.begun and progress.of(step) is None and step != but]
    return tuple(hop for step in lost for kind in ASKS[step] for hop in progress.job.decision.hops_for(kind))


def best_reply(progress: Progress) -> StepResult | None:
    """The result whose reply stands so far: the last one that has any."""
    return next((one for one in reversed(progress.results) if one.reply is not None), None)
