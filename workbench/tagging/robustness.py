"""How often a decision flips when nothing that matters has changed: case, typos, politeness, words about routing, and
the same request in other words."""

import csv
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from signalbox.contracts.tags import Tags
from signalbox.tagger.excerpt import Turn
from workbench.tagging.score import Tagger
from workbench.training import augment

# Pairs written for this and for nothing else: the same request twice.
PARAPHRASES = Path(__file__).with_name("paraphrases.csv")
COUNT, SEED = 400, 20_260_117
DECISIONS = ("complexity", "intent", "billing dispute", "compliance", "p_fast")
# Typos as frequent as in the variants that training has seen, from another seed.
_TYPOS = 0.12
_HALF = 0.5

Change = Callable[[str, random.Random], str]


@dataclass(frozen=True)
class Flips:
    """``changed``: of how many texts the change made another. ``shares``: by ``DECISIONS``, those that were decided
    otherwise then; ``moved``: how far p_fast went on average, 0..1."""

    changed: int
    shares: tuple[float, ...]
    moved: float


def changes() -> dict[str, Change]:
    """By name; what is put around a text was kept out of training."""
    around = augment.wrappers("held_out")
    return {
        "lower case": lambda text, _: text.lower(),
        "upper case": lambda text, _: text.upper(),
        "title case": lambda text, _: text.title(),
        "typos": lambda text, chance: augment.typos(text, chance, _TYPOS),
        "politeness": lambda text, chance: _polite(text, around, chance),
        "injected words": lambda text, chance: _injected(text, around["injected"], chance),
    }


def paraphrases(file: Path = PARAPHRASES) -> list[tuple[str, str]]:
    """Each a request and the same in other words."""
    with file.open(newline="", encoding="utf-8") as lines:
        return [(row["text"], row["paraphrase"]) for row in csv.DictReader(lines)]


def pair_flips(pairs: Iterable[tuple[str, str]], tagger: Tagger) -> Flips:
    """Of requests that mean the same."""
    return _flips([(_tags(one, tagger), _tags(other, tagger)) for one, other in pairs], tagger)


def flip_rates(texts: Sequence[str], tagger: Tagger, known: Mapping[str, Change], seed: int = SEED) -> dict[str, Flips]:
    """By change, and ``all``. Each text is compared with itself as it was."""
    before = [_tags(text, tagger) for text in texts]
    pairs = {name: list(_pairs(texts, before, change, tagger, seed)) for name, change in known.items()}
    pairs["all"] = [pair for some in list(pairs.values()) for pair in some]
    return {name: _flips(some, tagger) for name, some in pairs.items()}


def _pairs(
    texts: Sequence[str], before: Sequence[Tags], change: Change, tagger: Tagger, seed: int
) -> Iterator[tuple[Tags, Tags]]:
    chance = random.Random(seed)  # noqa: S311 reproducible
    for text, old in zip(texts, before, strict=True):
        other = change(text, chance)
        if other != text:
            yield old, _tags(other, tagger)


def _flips(pairs: Sequence[tuple[Tags, Tags]], tagger: Tagger) -> Flips:
    count = max(1, len(pairs))
    decided = [(_decided(old, tagger), _decided(new, tagger)) for old, new in pairs]
    shares = tuple(_share(old[at] != new[at] for old, new in decided) for at in range(len(DECISIONS)))
    return Flips(len(pairs), shares, sum(abs(old.p_fast - new.p_fast) for old, new in pairs) / count)


def _decided(found: Tags, tagger: Tagger) -> tuple[object, ...]:
    """In the order of ``DECISIONS``."""
    return (
        tagger.complexity(found),
        found.intent,
        found.billing_dispute >= _HALF,
        found.compliance >= _HALF,
        found.p_fast >= _HALF,
    )


def _share(flipped: Iterable[bool]) -> float:
    held = list(flipped)
    return sum(held) / max(1, len(held))


def _tags(text: str, tagger: Tagger) -> Tags:
    return tagger.tag((Turn(True, text),))


def _polite(text: str, around: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    if chance.random() < _HALF:
        return chance.choice(around["before"]) + text
    return text + chance.choice(around["after"])


def _injected(text: str, words: Sequence[str], chance: random.Random) -> str:
    chosen = chance.choice(words)
    return chosen + text if chosen.endswith(" ") else text + chosen
