"""Moods: faults of what a model says rather than of its transport. The answer is a 200 like any other.

unsure: hedges, with low log-probabilities, and does not stand by its reply. disagree: the verifier replaces the draft,
the chooser takes the last candidate. correct: the verifier amends the draft, the chooser merges. uncited: cites
nothing. wrong_citation: cites a document that there is not. break_contract: JSON with one value of the wrong type.
refuse: declines in the provider's own way.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

from workbench.simulator.parts import Part

Mood = Literal["unsure", "disagree", "correct", "uncited", "wrong_citation", "break_contract", "refuse"]

_ALL: frozenset[Part] = frozenset(get_args(Part))
# A mood that would change nothing does not strike, so its ``times`` count what was changed.
PLAYED_BY: dict[str, frozenset[Part]] = {
    "unsure": frozenset(("answer", "self_check")),
    "disagree": frozenset(("verify", "rerank")),
    "correct": frozenset(("verify", "rerank")),
    "uncited": frozenset(("answer",)),
    "wrong_citation": frozenset(("answer",)),
    "break_contract": _ALL - {"self_check"},
    "refuse": _ALL,
}
HEDGE = "I think so, but I'm not sure; it might be wrong: "
DECLINED = "[simulated] The content filter declined this request."
UNKNOWN_DOCUMENT = "does-not-exist"

_Place = tuple[Any, Any]  # a container and the key of one value in it


def broken(value: Any) -> Any:
    """``value`` with one leaf of another type: a number before a truth value before a text, wherever it lies."""
    whole = [json.loads(json.dumps(value))]
    leaves = list(_leaves(whole))
    wrongs: tuple[tuple[Callable[[Any], bool], Any], ...] = (
        (lambda leaf: isinstance(leaf, int | float) and not isinstance(leaf, bool), "N/A"),
        (lambda leaf: isinstance(leaf, bool), "N/A"),
        (lambda leaf: isinstance(leaf, str), 7),
    )
    for fits, wrong in wrongs:
        for container, key in leaves:
            if fits(container[key]):
                container[key] = wrong
                return whole[0]
    return "N/A"


def _leaves(container: Any) -> Iterator[_Place]:
    for key, value in container.items() if isinstance(container, dict) else enumerate(container):
        if isinstance(value, dict | list):
            yield from _leaves(value)
        else:
            yield container, key
