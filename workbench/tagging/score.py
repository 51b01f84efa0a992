"""Prompts into rows of tags, as a stream."""

import csv
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from signalbox.contracts.errors import SignalboxError
from signalbox.contracts.tags import Tags
from signalbox.tagger.excerpt import Turn
from workbench.problem import Problem
from workbench.tagging.prompts import Prompt, conversation

COLUMNS = (
    "prompt_id",
    "p_fast",
    "complexity",
    "intent",
    "intent_confidence",
    "billing_dispute",
    "compliance",
    "workload",
    "micros",
)


@dataclass(frozen=True)
class Tagger:
    """The three questions that can be asked, as ``signalbox.tagger.tag`` documents them."""

    tag: Callable[[Sequence[Turn]], Tags]
    complexity: Callable[[Tags], str]
    label_probabilities: Callable[[Sequence[Turn]], Mapping[str, float]]


def shipped() -> Tagger:
    """Loaded and warm. Raises ``Problem`` where the weights are missing or damaged."""
    # Here and not above: numpy, which it imports, would slow every other command down.
    from signalbox.tagger.tag import complexity, label_probabilities, tag

    try:
        tag([Turn(True, "the first call reads the weights")])
    except SignalboxError as error:
        raise Problem(error.message) from None
    return Tagger(tag, complexity, label_probabilities)


def score(prompts: Iterable[Prompt], tagger: Tagger, out: TextIO, done: Callable[[int], None]) -> int:
    """A header and a row for each prompt, in order; returns how many. ``done`` is told the count after each."""
    writer, count = csv.writer(out, lineterminator="\n"), 0
    writer.writerow(COLUMNS)
    for count, prompt in enumerate(prompts, 1):
        writer.writerow(_row(prompt, tagger))
        done(count)
    return count


def _row(prompt: Prompt, tagger: Tagger) -> tuple[str | int, ...]:
    turns = conversation(prompt.text)
    started = time.perf_counter_ns()
    found = tagger.tag(turns)
    micros = (time.perf_counter_ns() - started + 500) // 1000
    return (
        prompt.id,
        f"{found.p_fast:.6f}",
        tagger.complexity(found),
        found.intent,
        f"{found.intent_confidence:.6f}",
        f"{found.billing_dispute:.6f}",
        f"{found.compliance:.6f}",
        found.workload,
        micros,
    )
