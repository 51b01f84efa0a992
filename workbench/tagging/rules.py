"""What can be scored without having learnt anything: chance, length, and the write-up's rule."""

import random
from collections.abc import Sequence

from signalbox.signals.text import tail_newline
from signalbox.signals.tokens import count_text

# Requirement B1: a text of at most so many tokens, with no newline in its tail, is short.
SHORT_TOKENS, TAIL_CHARACTERS = 512, 500
SHUFFLES = 100


def shuffled(count: int, seed: int) -> list[float]:
    """A rank for each of ``count`` prompts, drawn at random."""
    ranks = [float(place) for place in range(count)]
    random.Random(seed).shuffle(ranks)  # noqa: S311 reproducible
    return ranks


def length_rule(prompts: Sequence[str]) -> list[float]:
    """Characters: the longer, the harder."""
    return [float(len(prompt)) for prompt in prompts]


def write_up_rule(prompts: Sequence[str]) -> list[float]:
    """``route_request`` of the write-up: 1 for ``long``, 0 for ``short``. Its confidence is a constant."""
    return [float(is_long(prompt)) for prompt in prompts]


def is_long(prompt: str) -> bool:
    return tail_newline(prompt, TAIL_CHARACTERS) or count_text(prompt) > SHORT_TOKENS
