"""Fits the weights of ``signalbox.confidence``: all of them to labelled evidence, the prior's alone to recorded data.

Each weight starts from what it is and is pulled back to it, so that little evidence moves little. Bounds keep what
the estimate promises: it rises with every signal, and what is missing never speaks for a reply.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from signalbox.confidence.estimate import SIGNALS, hard_facts, prior_log_odds, signal
from signalbox.confidence.weights import Hedges, Prior, Ramp, Ramps, Weights
from signalbox.contracts.evidence import Evidence
from workbench.confidence.examples import Example
from workbench.confidence.logistic import Parameter, fit_logistic
from workbench.confidence.recorded import Trial
from workbench.problem import Problem

# A signal that fewer replies have keeps its weight.
LEAST_REPLIES = 20
# About ten replies' worth (a row bends the log-loss by a quarter at most).
_RIDGE = 2.5
_FIXED = 1e12


@dataclass(frozen=True)
class _Seen:
    """How many replies have a signal."""

    name: str
    count: int

    @property
    def enough(self) -> bool:
        return self.count >= LEAST_REPLIES


def refit(examples: Sequence[Example], weights: Weights) -> Weights:
    """All weights fitted to ``examples``. Replies with a hard fact are no matter of weights and are left out.

    Raises ``Problem`` when what is left is too little, or good or bad throughout.
    """
    usable = [one for one in examples if next(hard_facts(one.evidence), None) is None]
    good = sum(one.good for one in usable)
    if len(usable) < LEAST_REPLIES or good in (0, len(usable)):
        raise Problem(
            f"{len(usable)} replies without a hard fact, {good} of them good: "
            f"fitting takes {LEAST_REPLIES} at least, some of each kind."
        )
    seen = [_Seen(name, sum(signal(one.evidence, name) is not None for one in usable)) for name in SIGNALS]
    parameters = [
        Parameter(weights.prior.intercept, _RIDGE),
        Parameter(weights.prior.slope, _RIDGE, least=0),
        Parameter(-weights.hedges.each, _RIDGE, least=0),
    ]
    for one in seen:
        parameters += _ramp_parameters(getattr(weights.signals, one.name), _RIDGE if one.enough else _FIXED)
    rows = [_row(one.evidence, weights) for one in usable]
    found = fit_logistic(rows, [float(one.good) for one in usable], parameters)
    return _written(weights, found, seen, len(usable))


def fit_prior(trials: Sequence[Trial], prior_of: Callable[[str], float], weights: Weights) -> Weights:
    """The intercept that makes ``prior_of`` a prompt right on average: for a prior that is a constant or a rule.

    The slope stays: what gives nearly every recorded prompt the same number cannot show it.
    """
    slope = weights.prior.slope
    rows = [(1.0, slope * prior_log_odds(prior_of(trial.prompt))) for trial in trials]
    start = [Parameter(0.0), Parameter(1.0, _FIXED)]
    intercept, _ = fit_logistic(rows, [trial.suffices for trial in trials], start)
    why = (
        f"intercept: the policy's prior against {len(trials):,} recorded prompts of LLMRouter's training part, in how "
        "many of which a weak model did no worse than a strong one. slope: a constant or a rule gives nearly all of "
        "those the same number, so it cannot be fitted there and stays as it was"
    )
    prior = Prior(
        intercept=round(intercept, 4), slope=slope, intercept_origin="fitted", slope_origin="declared", why=why
    )
    return weights.model_copy(update={"prior": prior})


def _row(evidence: Evidence, weights: Weights) -> list[float]:
    """In the order of ``refit``'s parameters: of each signal, what it is at best, how far it is from that, missing."""
    row = [1.0, prior_log_odds(evidence.prior), -float(min(evidence.hedges, weights.hedges.most))]
    for name in SIGNALS:
        value = signal(evidence, name)
        if value is None:
            row += [0.0, 0.0, -1.0]
        else:
            row += [1.0, getattr(weights.signals, name).goodness(value) - 1, 0.0]
    return row


def _ramp_parameters(ramp: Ramp, ridge: float) -> list[Parameter]:
    starts = (ramp.at_best, ramp.at_best - ramp.at_worst, -ramp.missing)
    return [Parameter(start, ridge, least=0) for start in starts]


def _written(weights: Weights, found: Sequence[float], seen: Sequence[_Seen], count: int) -> Weights:
    intercept, slope, hedge = (round(one, 4) for one in found[:3])
    why = f"fitted to {count:,} replies of the operator's own with known outcomes"
    ramps = {
        one.name: _ramp(getattr(weights.signals, one.name), found[3 + 3 * place : 6 + 3 * place], one)
        for place, one in enumerate(seen)
    }
    return Weights(
        about=weights.about,
        prior=Prior(intercept=intercept, slope=slope, intercept_origin="fitted", slope_origin="fitted", why=why),
        signals=Ramps(**ramps),
        hedges=Hedges(each=0.0 - hedge, most=weights.hedges.most, origin="fitted", why=why),
        ceiling=weights.ceiling,
    )


def _ramp(ramp: Ramp, found: Sequence[float], seen: _Seen) -> Ramp:
    if not seen.enough:
        return ramp
    best, span, penalty = (round(one, 4) for one in found)
    change = {
        "at_best": best,
        "at_worst": round(best - span, 4),
        "missing": 0.0 - penalty,
        "origin": "fitted",
        "why": f"fitted to {seen.count:,} replies of the operator's own that had it",
    }
    return Ramp.model_validate({**ramp.model_dump(), **change})
