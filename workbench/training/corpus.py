"""Everything the tagger learns from, as examples: the public data of ``--data`` and the texts written for it.

A head that an example says nothing about is None there, and nothing is learnt of it.
"""

import csv
import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from signalbox.tagger.excerpt import Turn
from workbench.tagging.prompts import conversation

HERE = Path(__file__).parent
WRITTEN = HERE / "written"
TAXONOMY = HERE / "taxonomy.yaml"

WEAK = ("mistral-7b-instruct-v0.3", "gemma-2-9b-it", "llama-3.1-8b-instruct")
STRONG = ("llama-3.1-nemotron-51b-instruct", "llama-3.3-nemotron-super-49b-v1")

csv.field_size_limit(10_000_000)


@dataclass(frozen=True)
class Example:
    """A conversation and what is known of it. ``label`` is source/label of ``taxonomy.yaml``; ``of`` is alike in all
    examples of one conversation."""

    source: str
    turns: tuple[Turn, ...]
    label: str | None = None
    billing_dispute: bool | None = None
    compliance: bool | None = None
    complexity: str | None = None
    workload: str | None = None
    gap: float | None = None  # how much better a strong model does, -1..1
    weight: float = 1.0
    of: str = ""


def read_taxonomy() -> dict[str, list[str]]:
    """The labels of each intent."""
    taxonomy: dict[str, list[str]] = yaml.safe_load(TAXONOMY.read_text())
    return taxonomy


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Of a CSV file, gzipped or not."""
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        yield from csv.DictReader(file)


def said(text: str) -> tuple[Turn, ...]:
    return (Turn(True, text),)


# What in these sources is a dispute or a matter of compliance to some and not to others: nothing is learnt of it.
# Banking77's columns say it of every intent: a fee for an act, say of taking out cash, is none, a charge that nobody
# can place is one.
_UNSURE_DISPUTES: dict[str, set[str]] = {
    "banking77": set(),
    "clinc150": {"report_fraud", "transactions", "oos"},
    "bitext": {"get_refund", "track_refund", "payment_issue", "check_invoice", "complaint"},
}
_UNSURE_COMPLIANCE: dict[str, set[str]] = {
    "banking77": set(),
    "clinc150": {"rollover_401k", "taxes", "w2", "vaccines", "international_visa", "insurance", "report_fraud", "oos"},
    "bitext": {"delete_account", "complaint"},
    "written": {"account_security", "card_compromised"},
}
# What takes more than a line to answer well.
_BOUNDED = {
    "banking77": {"verify_source_of_funds", "compromised_card", "failed_transfer", "unable_to_verify_identity"},
    "clinc150": {"travel_suggestion", "recipe", "insurance_change", "rollover_401k", "improve_credit_score", "taxes"},
    "bitext": {"complaint", "payment_issue", "registration_problems"},
    "written": {"complaint", "technical_problem", "service_outage", "broken_device", "tax_question"},
}


def _clinc150(data: Path) -> Iterator[Example]:
    for row in rows(data / "train" / "clinc150.csv.gz"):
        if row["split"] in ("train", "oos_train"):
            utterance = _utterance("clinc150", row["text"], row["intent"], False, False)
            yield replace(utterance, weight=1.6)  # 151 labels with a hundred each, of 372 in all


def _banking77(data: Path) -> Iterator[Example]:
    for row in rows(data / "train" / "banking77.csv.gz"):
        yield _utterance(
            "banking77", row["text"], row["intent"], row["billing_dispute"] == "1", row["compliance_kyc"] == "1"
        )


def _bitext(data: Path) -> Iterator[Example]:
    for row in rows(data / "train" / "bitext.csv.gz"):
        if row["category"].strip() not in ("", "HELLO", "BYE", "SOFT"):
            yield _utterance("bitext", row["utterance"], row["intent"], False, False)


def _utterance(source: str, text: str, label: str, dispute: bool, compliance: bool) -> Example:
    hard = dispute or compliance or label in _BOUNDED[source]
    return Example(
        source,
        said(text),
        f"{source}/{label}",
        billing_dispute=None if label in _UNSURE_DISPUTES[source] else dispute,
        compliance=None if label in _UNSURE_COMPLIANCE[source] else compliance,
        complexity=None if label == "oos" else "bounded" if hard else "trivial",
        workload="chat",
    )


# Of these MultiDoGO has ten thousands that say the same.
_MOST_OF_A_LABEL = 200
_FOLLOWING = ("contentonly", "confirmation", "rejection")
_SOCIAL = ("openinggreeting", "closinggreeting", "thankyou")


def _multidogo(data: Path) -> Iterator[Example]:
    """The customer's turns, each after those before it. One that only answers takes the label of what it is about."""
    talks: dict[str, list[dict[str, str]]] = {}
    for row in rows(data / "train" / "multidogo_turns.csv.gz"):
        if row["turnNumber"].isdigit():  # a few rows of the public copy are broken
            talks.setdefault(row["conversationId"], []).append(row)
    seen: dict[str, int] = {}
    for number, talk in talks.items():
        talk.sort(key=lambda row: int(row["turnNumber"]))
        before: list[Turn] = []
        matter: str | None = None
        for row in talk:
            turn, intent = Turn(True, row["utterance"]), row["intent"]
            context, before = tuple(before), [*before, turn]
            if not intent or "<div>" in intent or intent == "outofdomain" or not turn.text.strip():
                continue
            if intent not in _FOLLOWING and intent not in _SOCIAL:
                matter = f"multidogo/{row['domain']}/{intent}"
            label = f"multidogo/{intent}" if intent in _SOCIAL or matter is None else matter
            key = f"{label} {intent}"
            seen[key] = seen.get(key, 0) + 1
            if seen[key] <= _MOST_OF_A_LABEL:
                insured = row["domain"] == "insurance"
                yield Example(
                    "multidogo",
                    (*context, turn),
                    label,
                    billing_dispute=None if intent == "viewbillsintent" else False,
                    compliance=None if insured else False,
                    complexity="trivial",
                    workload="chat",
                    of=number,
                )


# How much there is to do in LLMRouter's tasks; of some it depends on the prompt.
_TASKS = {
    "agentverse-logicgrid": "extended",
    "arc_challenge": "trivial",
    "commonsense_qa": "trivial",
    "gpqa": "extended",
    "gsm8k": "bounded",
    "human_eval": "extended",
    "math": "extended",
    "mbpp": "bounded",
    "natural_qa": "trivial",
    "openbook_qa": "trivial",
    "trivia_qa": "trivial",
}


def _llmrouter(data: Path) -> Iterator[Example]:
    """``gap``: the better of the strong models' scores less that of the oldest weak one.

    The newer weak ones are as good as the strong ones in most tasks, and what a task's format made of one model
    (noughts throughout) is no difficulty; see the model card.
    """
    for row in rows(data / "train" / "llmrouter.csv.gz"):
        if row["prompt"].strip():
            yield Example(
                "llmrouter",
                said(row["prompt"]),
                "task/other",
                billing_dispute=False,
                compliance=None if row["task"] == "mmlu" else False,
                complexity=_TASKS.get(row["task"]),
                workload="chat",
                gap=max(float(row[name]) for name in STRONG) - float(row[WEAK[0]]),
            )


def _arena_hard(data: Path) -> Iterator[Example]:
    """Hard requests of real users: of their complexity this much is known."""
    file = data / "traffic" / "arena_hard_prompts.csv.gz"
    for row in rows(file) if file.exists() else ():
        yield Example("arena_hard", said(row["prompt"]), "task/other", False, None, "extended", weight=0.5)


def _written() -> Iterator[Example]:
    for path in sorted(WRITTEN.glob("*.csv")):
        for row in rows(path):
            yield _written_example(path.stem, row)
    for path in sorted(WRITTEN.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            yield _dialogue(json.loads(line))


def _dialogue(row: dict[str, Any]) -> Example:
    return Example(
        "written/dialogues",
        tuple(Turn(one["role"] == "user", one["content"]) for one in row["messages"]),
        f"written/{row['intent']}" if row["intent"] else None,
        billing_dispute=row["billing_dispute"],
        compliance=row["compliance"],
        complexity=row["complexity"],
        workload=row["workload"],
        gap=row["gap"],
        weight=3.0,  # few, and the only ones with whole conversations
    )


def _written_example(file: str, row: dict[str, str]) -> Example:
    if file.startswith("clinc_"):
        return replace(_utterance("clinc150", row["text"], row["intent"], False, False), source="written")
    if "prompt" in row:
        gap = float(row["gap"]) if "gap" in row else float(row["strong"]) - float(row["weak"])
        if file == "open_ended" and row["workload"] == "chat" and row["complexity"] != "trivial":
            gap = _SEEN_SIDE_BY_SIDE[0] + _SEEN_SIDE_BY_SIDE[1] * gap
        return Example(
            f"written/{file}",
            conversation(row["prompt"]),
            "task/other",
            billing_dispute=False,
            complexity=row["complexity"],
            workload=row["workload"],
            gap=gap,
        )
    label = row["intent"]
    dispute, compliance = row.get("billing_dispute") == "1", row.get("compliance") == "1"
    unsure = label in _UNSURE_COMPLIANCE["written"]
    hard = dispute or compliance or label in _BOUNDED["written"]
    return Example(
        "written",
        said(row["text"]),
        None if label == "not_compliance" else f"written/{label}",
        billing_dispute=None if compliance and "billing_dispute" not in row else dispute,
        compliance=None if unsure or (dispute and "compliance" not in row) else compliance,
        complexity="bounded" if hard else "trivial",
        workload="chat",
    )


# Open questions were judged by whether a reply is good by itself. Side by side with a stronger model's, a good reply
# still loses more often than not: gap = first + second * (strong - weak).
_SEEN_SIDE_BY_SIDE = (0.3, 0.6)


def read_corpus(data: Path) -> list[Example]:
    """All training examples: those of ``data/train``, and what was written. ``data/dev`` is never opened."""
    public: Sequence[Iterable[Example]] = (
        _clinc150(data), _banking77(data), _bitext(data), _multidogo(data), _llmrouter(data), _arena_hard(data)
    )  # fmt: skip
    return [example for source in (*public, _written()) for example in source]
