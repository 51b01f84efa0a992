"""Variants of examples that must be judged as they are: around, inside and before the request. Seeded."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import yaml

from signalbox.tagger.excerpt import Turn
from workbench.training.corpus import WRITTEN, Example

_SWAPS = {"a": "s", "e": "r", "i": "o", "o": "p", "t": "y", "n": "m", "s": "d", "r": "e", "l": "k", "c": "v"}


def wrappers(part: str) -> dict[str, list[str]]:
    """``before``, ``after`` and ``injected`` texts of ``train`` or ``held_out``."""
    read: dict[str, dict[str, list[str]]] = yaml.safe_load((WRITTEN / "wrappers.yaml").read_text())
    return read[part]


def typos(text: str, chance: random.Random, rate: float = 0.06) -> str:
    """With about ``rate`` of the words misspelt: two letters swapped, one dropped, doubled or replaced."""
    words = text.split(" ")
    return " ".join(_misspelt(word, chance) if len(word) > 3 and chance.random() < rate else word for word in words)


def _misspelt(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    kind = chance.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    return word[:at] + _SWAPS.get(word[at].lower(), word[at]) + word[at + 1 :]


def recased(text: str, chance: random.Random) -> str:
    return chance.choice((text.lower(), text.upper(), text.capitalize(), text.title()))


def wrapped(text: str, around: dict[str, list[str]], chance: random.Random) -> str:
    """Politeness before or after, or an injected word on how to route it."""
    kind = chance.random()
    if kind < 0.3:
        return chance.choice(around["before"]) + text
    if kind < 0.6:
        return text + chance.choice(around["after"])
    injected = chance.choice(around["injected"])
    return injected + text if injected.endswith(" ") else text + injected


def variants(examples: Sequence[Example], share: float, seed: int) -> Iterator[Example]:
    """Of up to ``share`` of the examples one variant each, of its latest turn."""
    chance, around = random.Random(seed), wrappers("train")  # noqa: S311 - not for secrets
    for example in examples:
        if chance.random() >= share:
            continue
        text = example.turns[-1].text
        for change in chance.sample((0, 1, 2), k=chance.choice((1, 1, 2))):
            if change == 0:
                text = typos(text, chance, 0.12)
            elif change == 1 and len(text) < 400:
                text = recased(text, chance)
            else:
                text = wrapped(text, around, chance)
        if text != example.turns[-1].text:  # a short one may have come out as it was
            yield replace(example, turns=(*example.turns[:-1], Turn(True, text)))


def in_conversation(examples: Sequence[Example], count: int, seed: int) -> Iterator[Example]:
    """``count`` conversations made of single utterances: a short answer takes the labels of what it is about, a new
    matter its own whatever was talked of before."""
    chance = random.Random(seed)  # noqa: S311
    agents = [line for line in (WRITTEN / "agent_lines.txt").read_text().splitlines() if line]
    single = [one for one in examples if len(one.turns) == 1 and one.label and len(one.turns[0].text) < 300]
    answers = [one for one in single if one.label in _ANSWERS]
    matters = [one for one in single if one.label not in _ANSWERS and one.label not in _SOCIAL]
    sensitive = [one for one in matters if one.billing_dispute or one.compliance] or matters
    settled: list[str] = yaml.safe_load((WRITTEN / "wrappers.yaml").read_text())["settled"]
    greetings = [one for one in single if one.label == "written/greeting"] or matters
    for _ in range(count):
        matter, agent, kind = chance.choice(matters), chance.choice(agents), chance.random()
        kind = kind if answers else max(0.5, kind)
        hello = (chance.choice(greetings).turns[0], Turn(False, chance.choice(agents[-10:])))
        opening: tuple[Turn, ...] = hello if chance.random() < 0.4 else ()
        turns: tuple[Turn, ...]
        if kind < 0.5:
            turns = (*opening, matter.turns[0], Turn(False, agent), chance.choice(answers).turns[0])
            if chance.random() < 0.4:
                turns = (*turns, Turn(False, chance.choice(agents)), chance.choice(answers).turns[0])
        elif kind < 0.6:
            turns = (*opening, matter.turns[0])
        else:
            before = chance.choice(sensitive if chance.random() < 0.5 else matters)
            done = chance.choice(settled if chance.random() < 0.5 else agents)
            turns = (*opening, before.turns[0], Turn(False, done), matter.turns[0])
        yield replace(matter, turns=turns, weight=0.7)


def tasks(examples: Sequence[Example], count: int, seed: int) -> Iterator[Example]:
    """``count`` requests to classify, extract from or summarise texts of other examples, a third of each."""
    chance = random.Random(seed)  # noqa: S311
    read: dict[str, dict[str, list[str]]] = yaml.safe_load((WRITTEN / "wrappers.yaml").read_text())
    bodies = [one.turns[-1].text for one in examples if one.source in _BODIES and len(one.turns[-1].text) > 20]
    for at in range(count):
        workload = ("classify", "extract", "summarize")[at % 3]
        pieces = chance.choice((1, 1, 2, 4)) if workload != "summarize" else chance.choice((3, 6, 10))
        body = chance.choice((" ", "\n")).join(chance.choice(bodies) for _ in range(pieces))
        text = chance.choice(read["tasks"][workload]).replace("{body}", body)
        complexity = "bounded" if pieces > 2 else "trivial"
        yield Example("tasks", (Turn(True, text),), "task/other", False, False, complexity, workload, weight=0.5)


_BODIES = {"multidogo", "bitext", "banking77", "written", "llmrouter"}
_ANSWERS = {"written/content_only", "written/yes", "written/no", "clinc150/yes", "clinc150/no"}
_SOCIAL = {f"{source}/{label}" for source in ("written", "clinc150") for label in ("greeting", "goodbye", "thank_you")}
