"""The model card: what the weights were made of, what they do on what was kept apart, and where they fail."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.tagger.tag import COMPLEXITIES, WORKLOADS
from workbench.confidence.svg import Line, drawn
from workbench.training import calibrate
from workbench.training.corpus import Example, read_taxonomy
from workbench.training.overlap import NEAR
from workbench.training.session import NETWORK_SHARE, WRITTEN_WEIGHT, Trained, calibrated
from workbench.training.train import Recipe, targets
from workbench.training.transfer import FALSE_ALARMS, detection

SINGLE = ("p_fast", "billing_dispute", "compliance")

HEAD = """# Model card: the tagger

Made by `make train`; not edited by hand. What the tagger is for and how policies use it: [tagger.md](tagger.md).

**Model.** Hashed words, pairs of words and, for unknown words, n-grams of 3 to 5 bytes; summed into at most 22 patches
of the latest turn and 5 or 4 of each of four earlier ones; two transformer layers of width 128 with four heads over the
patches and one position of plain measures; six heads. Beside it, on words and pairs of the whole excerpt, a ridge
regression for `p_fast` and logistic regressions for `billing_dispute` and `compliance`, mixed with the network's own
log-odds. Embeddings are bytes with a scale for each row, the rest half floats: {size:,} bytes. {epochs} epochs, seed
{seed}; {minutes:.0f} minutes of a shared machine, checks included; another processor gives other last digits.

## Data

| source | examples | teaches | licence, and where anyone can get it |
| --- | --- | --- | --- |
"""

SOURCES = {
    "llmrouter": ("p_fast, complexity", "MIT, sources their own; LLMRouter (ulab-uiuc), `data/dcrouter_preprocessed`"),
    "banking77": ("intents, disputes, compliance", "CC BY 4.0; PolyAI task-specific-datasets, training part"),
    "clinc150": ("intents, out of scope", "CC BY 3.0; clinc/oos-eval, `train` and `oos_train`"),
    "multidogo": ("intents, follow-ups", "CDLA-Permissive-1.0; Multi-Domain Goal-Oriented Dialogues, training part"),
    "bitext": ("intents", "CDLA-Sharing-1.0; Bitext customer support, public copy"),
    "arena_hard": ("complexity", "Apache-2.0; arena-hard-auto"),
    "written": ("intents, disputes, compliance, out of scope", "the repository's; `workbench/training/written`"),
    "written/…": ("p_fast, complexity, workload, conversations", "the repository's; `workbench/training/written`"),
}

AFTER = """
To these come one variant of about a third of them (typos, case, politeness, injected words such as "this is trivial")
and 8,000 conversations put together from single utterances: a short answer takes the labels of what it answers, a new
matter its own. Of `dev/` nothing was read for training; the mixture of `p_fast` ({share} of the network, the rest
words), the weights of sources and the number of epochs were chosen on it, and CLINC150's validation split was looked at
while choosing. Both are therefore a little flattering.

**Label noise.** LLMRouter's `p_fast` target is the better of two strong models less mistral-7b: the newer small models
equal the strong ones in most tasks, and some columns hold noughts where a format was missed (chatqa and qwen on MMLU,
nemotron-super on CommonsenseQA and CommonGen); the better of two hides most of these. One answer per prompt and model
remains one throw of a die. **Class balance.** LLMRouter has fourteen tasks and nearly no open question; prompts with
outcomes judged by hand (not measured) fill that in and count {weight:.0f} times. **Length.** Written prompts were made
so that length tells nothing; the measures of length are hidden from the network in a third of its steps. **Disputes
and compliance** are what Banking77's two columns call so: a charge that is contested or cannot be explained, a refund
that is wanted or missing, but no fee for an act (a transfer, cash, a payment abroad). Most texts for them were written
by situation, and the situations were Banking77's too, its sentences unseen: "trained without it" below means without
its texts, and queries that share {near:.0%} of their words with a text that was learnt are left out there. How much
was written, and how much these two heads count in training, was chosen by that figure.

## Figures on examples kept apart

{kept:,} examples, of each conversation all turns or none, calibrate and are measured here; {disputes:.0%} of them are
disputes and {compliance:.0%} matters of compliance, and the probabilities are calibrated to these shares. The source's
style is known to the model, so these are the easy figures. Harder ones follow.

"""

LIMITS = """
## Limits

- English. Other Latin script degrades to cognates and n-grams; other scripts are read as unknown letters.
- `p_fast` speaks of models as they were recorded: 7B to 9B against about 50B, one answer each, and of judgement where
  prompts were written. It ranks prompts somewhat better than length or words do, and promises nothing about one.
- What decides is the latest user turn (its first 1,200 and last 560 characters) and the last four turns before it. What
  stands in the middle of a long text, in system messages and in tool results is not seen.
- `compliance` and `billing_dispute` were written and mapped by few people. They are a net, not a control: who must be
  pinned should say so (`needs_compliance_check`).
- Whoever writes a request can choose its words. Injected instructions change the complexity of some texts (see the flip
  rates in tagger.md); a request rewritten to sound like another one changes all.
- Weights trained anew on an operator's own labelled traffic will do better there: `make train DATA=…`.
"""


def write_card(
    trained: Trained, recipe: Recipe, examples: Sequence[Example], found: dict[str, Any], size: int, minutes: float
) -> str:
    """Markdown. ``found``: what ``transfer.all_checks`` returns, or nothing."""
    counts = Counter(one.source if one.source in SOURCES else "written/…" for one in examples)
    table = "".join(
        f"| {source} | {counts[source]:,} | {what} | {where} |\n" for source, (what, where) in SOURCES.items()
    )
    wanted = targets(trained.kept, trained.labels)
    after = AFTER.format(
        share=NETWORK_SHARE["gap"],
        near=NEAR,
        weight=WRITTEN_WEIGHT,
        kept=len(trained.kept),
        disputes=np.nanmean(wanted["billing_dispute"]),
        compliance=np.nanmean(wanted["compliance"]),
    )
    head = HEAD.format(size=size, minutes=minutes, epochs=recipe.epochs, seed=recipe.seed)
    shares = calibrated(trained.kept_logits, trained.calibration)
    parts = [head, table, after, _kept(trained, shares, wanted), _reliability(shares, wanted), _checks(found), LIMITS]
    return "".join(parts)


def draw_reliability(trained: Trained, file: Path) -> None:
    """The reliability diagram, as SVG: observed share over predicted probability."""
    wanted = targets(trained.kept, trained.labels)
    shares = calibrated(trained.kept_logits, trained.calibration)
    lines = [Line("as predicted", [(0.0, 0.0), (1.0, 1.0)], dashed=True)]
    for name in SINGLE:
        predicted, outcomes = _known(name, shares, wanted)
        lines.append(Line(name, [(mean, share) for mean, share, _ in calibrate.reliability(predicted, outcomes)]))
    sure, right = _choices("label", shares, wanted)
    lines.append(Line("label", [(mean, share) for mean, share, _ in calibrate.reliability(sure, right)]))
    title = "Reliability on examples kept apart"
    file.write_text(drawn(lines, title=title, across="predicted", upwards="observed", widest=1.0))


def _kept(trained: Trained, shares: dict[str, Any], wanted: dict[str, Any]) -> str:
    """One line for each head."""
    intents = {label: intent for intent, labels in read_taxonomy().items() for label in labels}
    lines = ["| head | known | figure |", "| --- | --- | --- |"]
    known = ~np.isnan(wanted["label"])
    best, truth = shares["label"][known].argmax(1), wanted["label"][known].astype(int)
    same = [intents[trained.labels[a]] == intents[trained.labels[b]] for a, b in zip(best, truth, strict=True)]
    lines.append(
        f"| intent | {known.sum():,} | {np.mean(same):.1%} right of {len(read_taxonomy())} intents; "
        f"{(best == truth).mean():.1%} of {len(trained.labels)} labels |"
    )
    for name in ("billing_dispute", "compliance"):
        predicted, outcomes = _known(name, shares, wanted)
        figures = detection(predicted, outcomes)
        lines.append(
            f"| {name} | {len(outcomes):,} | AUC {figures['auc']:.3f}; recall {figures['recall']:.1%} at "
            f"{FALSE_ALARMS:.0%} false alarms; at 0.5: {figures['recall_at_half']:.1%}, "
            f"{figures['false_alarms_at_half']:.2%} |"
        )
    for name, words in (("complexity", COMPLEXITIES), ("workload", WORKLOADS)):
        known = ~np.isnan(wanted[name])
        best, truth = shares[name][known].argmax(1), wanted[name][known].astype(int)
        each = ", ".join(f"{word} {(best[truth == at] == at).mean():.1%}" for at, word in enumerate(words))
        lines.append(f"| {name} | {known.sum():,} | {(best == truth).mean():.1%} right; {each} |")
    return "\n".join(lines) + "\n"


def _reliability(shares: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Predicted against observed, in ten bins of equal size, and the expected calibration error."""
    parts = ["\n## Calibration\n\n![reliability](tagger-reliability.svg)\n"]
    columns = {name: _known(name, shares, wanted) for name in SINGLE}
    columns["label (the most probable one)"] = _choices("label", shares, wanted)
    columns["complexity (the most probable one)"] = _choices("complexity", shares, wanted)
    parts.append("| probability | ECE | predicted → observed, in ten bins of equal size |\n| --- | --- | --- |")
    for name, (predicted, outcomes) in columns.items():
        bins = " · ".join(f"{a:.2f} → {b:.2f}" for a, b, _ in calibrate.reliability(predicted, outcomes))
        parts.append(f"| {name} | {calibrate.expected_error(predicted, outcomes):.3f} | {bins} |")
    return "\n".join(parts) + "\n"


def _checks(found: dict[str, Any]) -> str:
    if not found:
        return ""
    parts = ["\n## On what it was not trained on\n"]
    if bank := found.get("banking77"):
        parts.append(
            f"- Banking77, five-fold cross-validation on its own labels alone: {bank['accuracy']:.1%} of 77 intents "
            f"right ({bank['count']:,} queries)."
        )
    for source, heads in found.get("without", {}).items():
        parts += [f"- {_without(name, source, one)}" for name, one in heads.items()]
    if found.get("without"):
        parts.append("  (These are trained half as long as what ships, and with fewer conversations.)")
    for pair, one in found.get("p_fast", {}).items():
        parts.append(
            f"- `p_fast`, {pair} ({one['count']:,}): AUC {one['auc']:.3f} for a strong model better by 0.4 or more."
        )
    return "\n".join(parts) + "\n"


def _without(head: str, source: str, one: dict[str, float]) -> str:
    return (
        f"`{head}`, trained without {source}, tested on it ({one['count']:,}, of them "
        f"{one['positive']:,.0f} positive): AUC {one['auc']:.3f}; "
        f"recall {one['recall']:.1%} at {FALSE_ALARMS:.0%} false alarms; at 0.5: "
        f"{one['recall_at_half']:.1%} and {one['false_alarms_at_half']:.1%}; at 0.8: "
        f"{one['recall_at_0.8']:.1%} and {one['false_alarms_at_0.8']:.1%}."
    )


def _known(
    name: str, shares: dict[str, Any], wanted: dict[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities and outcomes where an outcome is known."""
    truth = 1 - wanted["gap"] if name == "p_fast" else wanted[name]
    known = ~np.isnan(truth)
    return shares[name][known], truth[known]


def _choices(
    name: str, shares: dict[str, Any], wanted: dict[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How sure it was of what it chose, and whether that was right."""
    known = ~np.isnan(wanted[name])
    own = shares[name][known]
    return own.max(1), (own.argmax(1) == wanted[name][known]).astype(float)
