"""The hops of a plan beyond its first answer: what a stronger model may be asked, and what it may cost. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from signalbox.confidence.self_check import SELF_CHECK_BYTES, SELF_CHECK_OUTPUT_TOKENS
from signalbox.contracts.decisions import Hop, HopStep, Plan, Rejection
from signalbox.decision.bounds import VERIFY_BYTES
from signalbox.integrity.told import TOLD_BYTES
from signalbox.policy.resolved import RosterModel, Route

# Of the models that may stand in for each other, how many a plan holds money for at each step.
MOST_HOPS = 2


class Size(Protocol):
    """Sizes one model for one step of a request."""

    def __call__(self, model: RosterModel, step: HopStep, extra_tokens: int = 0) -> Hop | Rejection:
        """``extra_tokens``: what the step adds to the request, by o200k_base."""


@dataclass(frozen=True)
class Extended:
    """A plan's hops, all of them, and what of the route's plan is left when nobody stronger may be asked."""

    plan: Plan
    hops: tuple[Hop, ...]
    rejected: tuple[Rejection, ...] = ()
    reason: str | None = None


def extended(
    route: Route, answers: Sequence[Hop], roster: Mapping[str, RosterModel], size: Size, *, owes: bool = False
) -> Extended:
    """What ``route`` does beyond ``answers``, the hops that may give the first reply. ``owes``: it has a form to keep
    or documents to cite."""
    terms, fast = route.terms, tuple(answers)
    if route.role.pinned:
        again = _sized(size, (route.role.pin,), "escalate", TOLD_BYTES)[0] if owes and fast else ()
        return Extended("single", (*fast, *again))
    if route.escalate_to is None:
        return Extended("single", fast)
    # Nobody is stronger than himself: who may have given the draft does not look at it.
    own = {model.id for model in route.role.candidates}
    stronger = [model for model in route.escalate_to.candidates if model.id not in own]
    escalations, rejected = _sized(size, stronger, "escalate", TOLD_BYTES)
    if not fast:
        return _without_a_fast_one(escalations, rejected, owes=owes)
    if route.plan == "single":
        return Extended("single", (*fast, *(escalations if owes else ())))
    fast = fast[:MOST_HOPS]
    # In tokens of the model that wrote it; another may count more.
    drafts = 2 * max(hop.max_output_tokens for hop in fast) * (terms.samples if route.plan == "rerank" else 1)
    checks, unfit = _sized(size, stronger, "verify", drafts + VERIFY_BYTES)
    if not checks and (not escalations or route.plan == "rerank" or terms.must_verify):
        if terms.must_verify:
            return Extended(route.plan, (), (*rejected, *unfit), "nobody may verify, and the route demands it")
        return Extended("single", tuple(answers), (), "nobody stronger may be asked now")
    return Extended(
        route.plan,
        (
            *fast,
            # A model that comes back from a cooling time is tried once.
            *[fast[0].model_copy(update={"step": "sample"})] * (0 if fast[0].probe else terms.samples - 1),
            *_self_checks(size, fast, roster, drafts if terms.self_check and route.plan != "rerank" else None),
            *checks,
            *escalations,
        ),
    )


def _without_a_fast_one(escalations: tuple[Hop, ...], rejected: tuple[Rejection, ...], *, owes: bool) -> Extended:
    """What a stronger model answers by itself needs no verifying."""
    hops = tuple(hop.model_copy(update={"step": "answer"}) for hop in escalations)
    again = escalations if hops and owes else ()
    return Extended("single", (*hops, *again), rejected, "no fast model may answer, so a stronger one does")


def _sized(
    size: Size, models: Sequence[RosterModel], step: HopStep, extra_tokens: int
) -> tuple[tuple[Hop, ...], tuple[Rejection, ...]]:
    sized = [size(model, step, extra_tokens) for model in models]
    hops = tuple(one for one in sized if isinstance(one, Hop))[:MOST_HOPS]
    return hops, tuple(one for one in sized if isinstance(one, Rejection))


def _self_checks(
    size: Size, fast: Sequence[Hop], roster: Mapping[str, RosterModel], draft_tokens: int | None
) -> tuple[Hop, ...]:
    """One for each model that may have given the reply: whoever did is asked."""
    if draft_tokens is None:
        return ()
    models = [roster[name] for name in dict.fromkeys(hop.model for hop in fast)]
    return _sized(size, models, "self_check", draft_tokens + SELF_CHECK_BYTES)[0]


def output_tokens(step: HopStep) -> int | None:
    """What the step writes at most; None: as much as the request allows."""
    return SELF_CHECK_OUTPUT_TOKENS if step == "self_check" else None
