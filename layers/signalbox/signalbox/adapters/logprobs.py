"""What token log-probabilities say of a whole reply. Pure. All in nats.

Providers tell of each output token how likely it was, and of a few alternatives. The entropy of one position, over the
alternatives shown with their probabilities p, and what is left over, r = 1 - sum(p):

    H = -sum(p * ln p) - r * ln(min(r, least p))

Nothing that was not shown is likelier than the least that was, so the rest counts as pieces of that size (as one piece
where it is smaller): no less than what is certain, and no guess at a vocabulary's size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Providers show so many likeliest tokens at each position; more of them would hardly change the entropy.
ALTERNATIVES = 5
# Below one in 500 million nothing is told apart; OpenAI writes -9999 for all that is out of sight.
LEAST_LOGPROB = -20.0


@dataclass(frozen=True)
class TokenOdds:
    """One output token: its log-probability, and those of the alternatives shown, itself among them or not."""

    logprob: float
    shown: tuple[float, ...] = ()


@dataclass(frozen=True)
class Odds:
    """As ``AdapterReply`` has them; None where nothing was shown."""

    mean_logprob: float | None = None
    min_logprob: float | None = None
    mean_entropy: float | None = None


def odds(tokens: Sequence[TokenOdds]) -> Odds:
    """The figures over ``tokens``; the entropy over those positions that show alternatives."""
    if not tokens:
        return Odds()
    logprobs = [_sound(token.logprob) for token in tokens]
    entropies = [_entropy(token.shown) for token in tokens if token.shown]
    return Odds(
        mean_logprob=math.fsum(logprobs) / len(logprobs),
        min_logprob=min(logprobs),
        mean_entropy=math.fsum(entropies) / len(entropies) if entropies else None,
    )


def _entropy(shown: Sequence[float]) -> float:
    logprobs = [_sound(one) for one in shown]
    rest = max(0.0, 1.0 - math.fsum(map(math.exp, logprobs)))
    known = -math.fsum(math.exp(one) * one for one in logprobs)
    return known - rest * min(math.log(rest), *logprobs) if rest else known


def _sound(logprob: float) -> float:
    """Between the least and 0, whatever a server sends; what is no number counts as the least."""
    return min(0.0, max(LEAST_LOGPROB, logprob))
