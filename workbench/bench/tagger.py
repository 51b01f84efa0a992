"""``signalbox bench tagger``: what the tagger is worth beside what is simpler, how steady it is, and what it costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from signalbox.tagger.excerpt import Turn
from workbench.confidence.recorded import read_dev
from workbench.confidence.svg import Line
from workbench.problem import Problem
from workbench.progress import step
from workbench.tagging import cold, examples, intents, latency, learned, loglog, quality, robustness
from workbench.tagging.learned import NEEDED, Learned
from workbench.tagging.measures import RESAMPLES, Interval
from workbench.tagging.score import Tagger, shipped

# What a decision may take in all, requirement A2.
_LIMIT_MS = 15.0


@dataclass
class Bench:
    """What the parts share; each part prints its own tables. ``baselines`` runs once, when first asked for."""

    data: Path
    console: Console
    train: bool = False
    svg: Path | None = None
    _tagger: Tagger | None = None
    _learned: Learned | None = None
    _asked: bool = False

    @property
    def tagger(self) -> Tagger:
        self._tagger = self._tagger or shipped()
        return self._tagger

    def baselines(self) -> Learned | None:
        """None where scikit-learn is not at hand, or fails; what was wrong is printed."""
        if not self._asked:
            self._asked = True
            with step("Training TF-IDF with linear models"):
                try:
                    self._learned = learned.baselines(self.data)
                except Problem as problem:
                    self.console.print(f"TF-IDF is left out: {problem}")
        return self._learned


def show_quality(bench: Bench) -> None:
    """(a) APGR by file beside baselines, with what the tagger is ahead by; and calibration of p_fast."""
    recorded = read_dev(bench.data)
    dev = quality.with_a_gap(recorded)
    if not dev or not (bench.data / "train" / "llmrouter.csv.gz").exists():
        bench.console.print(f"{bench.data} has no recorded outcomes (dev/*.csv, train/llmrouter.csv.gz); skipped.")
        return
    tagger, trained = bench.tagger, bench.baselines()
    with step("Tagging recorded prompts"):
        p_fast = {
            name: [tagger.tag((Turn(True, one.prompt),)).p_fast for one in trials] for name, trials in dev.items()
        }
        found = quality.quality(dev, p_fast, trained)
    bench.console.print(_apgr_table(found, trained is not None))
    bench.console.print(_ahead_table(found))
    bench.console.print(_calibration_table(found))
    for name in sorted(set(recorded) - set(dev)):
        bench.console.print(f"{name}: the strong model is no better there; left out.")
    bench.console.print(
        "Recorded, so measured here: which of two models was right for each prompt; dev/ was for choosing between "
        "trained taggers, so a set that nobody has chosen on may come out lower. TF-IDF is fitted to llmrouter.csv.gz "
        "alone with usual settings, but where it says otherwise; the tagger also to what was written for it. Good "
        "means in the last table that the weak model did no worse; other pairs of models have other shares, so read "
        "p_fast as a rank there first."
    )


def show_intents(bench: Bench) -> None:
    """(b) In-scope accuracy and out-of-scope recall on CLINC150's validation splits."""
    utterances = examples.clinc_validation(bench.data)
    if not utterances:
        bench.console.print(f"{bench.data} has no {examples.CLINC150}; skipped.")
        return
    tagger, trained = bench.tagger, bench.baselines()
    with step("Telling intents apart"):
        found = intents.intents(utterances, tagger, trained)
    title = f"CLINC150 validation: {found.inside:,} in scope, {found.outside:,} out of it; one argmax of 151"
    table = Table("", "in-scope accuracy", "out-of-scope recall", title=title)
    table.add_row("BERT, published (test split)", *map(_share, intents.PUBLISHED))
    if trained is None:
        table.add_row("TF-IDF, logistic regression", NEEDED, "")
    for name, figures in found.rows.items():
        table.add_row(name, *map(_share, figures))
    table.add_row("tagger, the taxonomy's intents", *map(_share, found.taxonomy))
    bench.console.print(table)


def show_transfer(bench: Bench) -> None:
    """(c) Sources that were not trained on, and Banking77 cross-validated: training runs of their own."""
    if not bench.train:
        bench.console.print("Transfer between sources and Banking77 cross-validated take training runs: --train.")
        return
    found = learned.transfer(bench.data)
    if found is None:
        bench.console.print(f"Transfer between sources {NEEDED}.")
        return
    table = Table("check", "figures", title="What the same training does on what it has not seen")
    for name, figures in found.items():
        table.add_row(name, ", ".join(f"{label} {value:.4g}" for label, value in figures.items()))
    bench.console.print(table)


def show_robustness(bench: Bench) -> None:
    """(d) Flip rates."""
    drawn = examples.draw(bench.data, robustness.COUNT, robustness.SEED)
    texts = [text for some in drawn.values() for text in some]
    if not texts:
        bench.console.print(f"{bench.data} has no texts to change; skipped.")
        return
    tagger = bench.tagger
    with step("Changing what should not matter"):
        found = robustness.flip_rates(texts, tagger, robustness.changes())
        found["paraphrase"] = robustness.pair_flips(robustness.paraphrases(), tagger)
    sources = ", ".join(f"{len(some)} of {name}" for name, some in drawn.items())
    title = f"Flip rates: {len(texts)} texts ({sources})"
    table = Table("change", "texts changed", *robustness.DECISIONS, "p_fast moves by", title=title)
    for name, flips in found.items():
        table.add_row(name, f"{flips.changed:,}", *map(_share, flips.shares), f"{flips.moved:.3f}")
    bench.console.print(table)
    bench.console.print(
        "Complexity and intent: the most probable one; the others: on which side of 0.5. Only texts that the change "
        "makes other ones count: most of these are lower case already. Typos are in about 12 % of the longer words. "
        "Politeness and injected words are of a part of the list that was kept out of training. Paraphrases are pairs "
        "that were written for this (workbench/tagging/paraphrases.csv), other texts than the rest, and not in `all`."
    )


def show_latency(bench: Bench) -> None:
    """(e) Warm, one thread; the curve over the length."""
    bench.tagger  # noqa: B018 before a process is started, so that missing weights are told as such
    found = latency.measured()
    bench.console.print(_latency_table(found))
    table = Table("request", "p50 ms", "p99 ms", "CPU p50 ms", "CPU p99 ms", title="Whole requests, tag() alone, warm")
    for name, one in found.requests.items():
        table.add_row(name, f"{one.p50:.2f}", f"{one.p99:.2f}", f"{one.cpu_p50:.2f}", f"{one.cpu_p99:.2f}")
    bench.console.print(table)
    threads = "unknown here" if found.threads is None else f"{found.threads}"
    bench.console.print(
        f"Threads of the process: {threads}. {latency.RUNS} calls a cell, {latency.REQUEST_RUNS:,} a request, after "
        f"{latency.WARM_UP} to warm up, over different texts of a kind; garbage collection on. Slope: of log p50 over "
        f"log length from {latency.LINEAR_FROM:,} characters on; 0 is constant, 1 linear. The machine is shared and "
        "noisy: p99 by the wall holds what others took; CPU is of the thread alone."
    )
    if bench.svg is not None:
        bench.svg.write_text(_picture(found), "utf-8")
        bench.console.print(f"{bench.svg} has the curves")


def show_cold(bench: Bench) -> None:
    """(f) CPU and memory that a cold start pays for the tagger."""
    bench.tagger  # noqa: B018 as above
    with step("Loading the tagger in fresh processes"):
        found = cold.cold_costs()
    table = Table(
        "", "CPU ms", "resident MB", "peak MB", title=f"Cold: added by the tagger, medians of {cold.RUNS} processes"
    )
    for name, one in found.items():
        table.add_row(name, f"{one.cpu_ms:.0f}", f"{one.memory_mb:.1f}", f"{one.peak_mb:.1f}")
    bench.console.print(table)


PARTS: Mapping[str, Callable[[Bench], None]] = {
    "quality": show_quality,
    "intents": show_intents,
    "transfer": show_transfer,
    "robustness": show_robustness,
    "latency": show_latency,
    "cold": show_cold,
}


def run(bench: Bench, parts: Sequence[str] = ()) -> None:
    """Those named, or all. Raises ``Problem``."""
    unknown = set(parts) - set(PARTS)
    if unknown:
        raise Problem(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    for name, show in PARTS.items():
        if not parts or name in parts:
            show(bench)


def _apgr_table(found: quality.Quality, trained: bool) -> Table:
    names = [*found.counts, quality.MACRO]
    columns = [f"{name} ({found.counts[name]:,})" if name in found.counts else name for name in names]
    table = Table("APGR", *columns, title="Which prompts go to the strong model: 0.5 is chance")
    for method, by_file in found.apgr.items():
        if method == quality.TAGGER and not trained:
            table.add_row("TF-IDF", NEEDED, *("" for _ in names[1:]))
        table.add_row(method, *(f"{by_file[name]:.3f}" for name in names))
    return table


def _ahead_table(found: quality.Quality) -> Table:
    names = [*found.counts, quality.MACRO]
    title = f"APGR that the tagger is ahead by: mean and 95 % of {RESAMPLES:,} paired resamples"
    table = Table("tagger less", *names, title=title)
    for rival, by_file in found.ahead.items():
        table.add_row(rival, *(_interval(by_file[name]) for name in names))
    return table


def _calibration_table(found: quality.Quality) -> Table:
    table = Table("p_fast", "prompts", "mean", "share good", "ECE", "Brier", "Brier of the share", title="Calibration")
    for name, one in found.calibration.items():
        figures = (one.confidence, one.share_good, one.ece, one.brier, one.base_brier)
        table.add_row(name, f"{one.count:,}", *(f"{figure:.3f}" for figure in figures))
    return table


def _latency_table(found: latency.Measured) -> Table:
    columns = [f"{length:,}" for length in latency.LENGTHS]
    table = Table("characters", *columns, "slope", title="tag() alone, warm, one thread: p50 / p99 ms")
    for kind, by_length in found.texts.items():
        cells = (f"{one.p50:.2f} / {one.p99:.2f}" for one in by_length.values())
        table.add_row(kind, *cells, f"{found.slope(kind):+.2f}")
    return table


def _picture(found: latency.Measured) -> str:
    lines = [
        Line(kind, [(float(length), one.p50) for length, one in by_length.items()])
        for kind, by_length in found.texts.items()
    ]
    ends = (float(min(latency.LENGTHS)), float(max(latency.LENGTHS)))
    lines.append(Line("a decision's limit", [(end, _LIMIT_MS) for end in ends], dashed=True))
    return loglog.drawn(
        lines, title="The tagger's time by length of the text, p50, one thread", across="characters", upwards="ms"
    )


def _interval(one: Interval) -> str:
    return f"{one.mean:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _share(value: float) -> str:
    return f"{value:.1%}"
