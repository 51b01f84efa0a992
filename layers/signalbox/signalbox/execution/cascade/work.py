"""One step's view of its plan: what is known, what time and money are left, and the models to ask."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Hop
from signalbox.contracts.ledger import AttemptFacts
from signalbox.contracts.plans import Job, Progress, StepResult
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


@dataclass
class Work:
    """``attempts`` grows with every model that is asked, also where the step then fails."""

    progress: Progress
    tools: Tools
    attempts: list[AttemptFacts] = field(default_factory=list)

    @property
    def job(self) -> Job:
        return self.progress.job

    @property
    def left_ms(self) -> int:
        return self.job.deadline_at_ms - self.tools.clock.now_ms()

    @property
    def left_microusd(self) -> int:
        """Of the ceiling; an attempt that may have been billed counts at its hop's worst."""
        spent = sum(self._cost(one) for result in self.progress.results for one in result.attempts)
        return self.job.ceiling_microusd - spent - sum(map(self._cost, self.attempts))

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
        within = self._affordable(hops, left)
        if not within:
            raise CostCeilingReached(f"worst_cost_microusd={hops[0].worst_cost_microusd} left={left}")
        job, tools = self.job, self.tools
        asking = Asking(
            job.decision, tools.policy, tools.invoker, tools.clock, tools.health, job.receipt, job.keep_reply
        )
        ends_at_ms = tools.clock.now_ms() + share_ms(self.left_ms, behind)
        outcome = run_hops(request, within, asking, ends_at_ms, attempt=attempt, logprobs=logprobs)
        self.attempts += map(attempt_facts, outcome.attempts)
        if outcome.reply is not None:
            return outcome.reply
        last = next((one.failure for one in reversed(outcome.attempts) if one.failure), None)
        if last is None:
            raise OutOfTime(f"model_inference_deadline_exceeded at {job.decision.deadline_ms}ms")
        raise named(last.name, last.message)

    def _affordable(self, hops: Sequence[Hop], left_microusd: int) -> list[Hop]:
        """Those of ``hops`` whose worst prices fit together: each may be billed and still not answer."""
        within: list[Hop] = []
        for hop in hops:
            if hop.worst_cost_microusd <= left_microusd:
                left_microusd -= hop.worst_cost_microusd
                within.append(hop)
        return within

    def _cost(self, attempt: AttemptFacts) -> int:
        if attempt.cost_microusd or not attempt.may_be_billed:
            return attempt.cost_microusd
        hops = [hop.worst_cost_microusd for hop in self.job.decision.hops if hop.model == attempt.model]
        return max(hops, default=0)


def best_reply(progress: Progress) -> StepResult | None:
    """The result whose reply stands so far: the last one that has any."""
    return next((one for one in reversed(progress.results) if one.reply is not None), None)
