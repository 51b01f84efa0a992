"""How well intents are told apart, and what is none of them: the validation splits of CLINC150."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signalbox.tagger.excerpt import Turn
from workbench.tagging.examples import Utterance
from workbench.tagging.learned import Learned
from workbench.tagging.measures import OUT_OF_SCOPE, accuracy_and_recall
from workbench.tagging.score import Tagger
from workbench.training.corpus import read_taxonomy

SOURCE = "clinc150/"
# Larson et al., An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction (EMNLP 2019): BERT on the
# test split, trained with the out-of-scope examples.
PUBLISHED = (0.969, 0.403)


@dataclass(frozen=True)
class Intents:
    """``rows``: by method in-scope accuracy and out-of-scope recall, both of one argmax. ``taxonomy``: the share of
    utterances whose intent is the one that their label belongs to, in scope and out of it."""

    inside: int
    outside: int
    rows: dict[str, tuple[float, float]]
    taxonomy: tuple[float, float]


def intents(utterances: Sequence[Utterance], tagger: Tagger, learned: Learned | None) -> Intents:
    """Of the tagger, and of what else was trained."""
    wanted = [one.label for one in utterances]
    turns = [(Turn(True, one.text),) for one in utterances]
    found = {
        **(learned.clinc150 if learned else {}),
        "tagger": [best_label(tagger.label_probabilities(one)) for one in turns],
    }
    outside = wanted.count(OUT_OF_SCOPE)
    return Intents(
        inside=len(wanted) - outside,
        outside=outside,
        rows={name: accuracy_and_recall(labels, wanted) for name, labels in found.items()},
        taxonomy=_taxonomy([tagger.tag(one).intent for one in turns], wanted),
    )


def best_label(probabilities: Mapping[str, float]) -> str:
    """The most probable label of CLINC150, out-of-scope among them, without its source."""
    ours = {name: value for name, value in probabilities.items() if name.startswith(SOURCE)}
    return max(ours, key=ours.__getitem__).removeprefix(SOURCE)


def _taxonomy(found: Sequence[str], labels: Sequence[str]) -> tuple[float, float]:
    """In scope and out of it, by the intents that the labels belong to."""
    intent_of = {label: intent for intent, members in read_taxonomy().items() for label in members}
    right = [intent == intent_of[SOURCE + label] for intent, label in zip(found, labels, strict=True)]
    inside = [one for one, label in zip(right, labels, strict=True) if label != OUT_OF_SCOPE]
    outside = [one for one, label in zip(right, labels, strict=True) if label == OUT_OF_SCOPE]
    return sum(inside) / max(1, len(inside)), sum(outside) / max(1, len(outside))
