"""Log-probabilities of a reply's tokens: made up, the same for the same request, and summing to no more than one."""

import math
import random

from workbench.simulator.exchange import TokenLogprob
from workbench.simulator.tokens import pieces

# Nats a token, on average: nearly greedy, or one of several.
SURE_NATS = 0.05
UNSURE_NATS = 2.0


def logprobs(text: str, top: int, dice: random.Random, *, sure: bool = True) -> tuple[TokenLogprob, ...]:
    """One entry a token, with its ``top`` likeliest alternatives, itself first."""
    return tuple(_drawn(token, top, dice, sure) for token in pieces(text))


def _drawn(token: str, top: int, dice: random.Random, sure: bool) -> TokenLogprob:
    # An unsure token stays within a nat of the mean, so that even one word is far from sure.
    nats = dice.expovariate(1 / SURE_NATS) if sure else dice.uniform(UNSURE_NATS - 1, UNSURE_NATS + 1)
    logprob = -round(nats, 6)
    shown = [(token, logprob)]
    least = math.exp(logprob)
    left = 1 - least
    for rank in range(1, top):
        least = min(least, left * dice.uniform(0.5, 0.8))
        left -= least
        shown.append((f" alt{rank}", round(math.log(max(least, 1e-9)) - 1e-6, 6)))
    return TokenLogprob(token, logprob, tuple(shown[:top]))
