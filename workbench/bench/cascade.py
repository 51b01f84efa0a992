"""``signalbox bench cascade``: what a fast pass saves, on recorded outcomes of a weak and a strong model."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from signalbox.tagger.excerpt import Turn
from signalbox.tagger.tag import tag
from workbench.confidence.cheap import train_prior
from workbench.confidence.costs import Costs
from workbench.confidence.curves import Curve, Outcome, curve
from workbench.confidence.judge import auc_of, modelled_doubt
from workbench.confidence.recorded import TRAIN_FILE, Trial, read_dev, read_train
from workbench.confidence.svg import Line, drawn

TARGETS = (0.5, 0.8, 0.95)
AUCS = (0.6, 0.7, 0.8)
# A modelled judge is drawn so often; means are shown.
DRAWS = 20
_GRID = 60
# The picture's right edge, in costs of the strong model alone: a cascade ends beyond 1.
_WIDEST = 1.2

Scores = Callable[[Sequence[Trial], int], list[float]]  # of the trials and a seed; higher goes to the strong model


@dataclass(frozen=True)
class Method:
    """A way to choose. ``judged``: after the fast reply, which is bought in any case; else before."""

    name: str
    scores: Scores
    judged: bool = False
    modelled: bool = False
    draws: int = 1


@dataclass(frozen=True)
class Row:
    """One method on one file. Costs in micro-dollars a prompt; ``auc``: of telling wrong fast replies."""

    method: Method
    auc: float
    apgr: float
    cost_area: float
    costs: tuple[float, ...]  # by TARGETS


@dataclass(frozen=True)
class Part:
    """One file. Qualities 0..1, costs in micro-dollars a prompt, of one model alone."""

    count: int
    weak: float
    strong: float
    weak_microusd: float
    strong_microusd: float
    rows: tuple[Row, ...]
    lines: Mapping[str, tuple[float, ...]]  # recovered by cost, over ``_grid``


def methods(prior: Callable[[str], float]) -> tuple[Method, ...]:
    """``prior``: of a prompt, how far the weak model suffices."""
    return (
        Method("random mix", lambda trials, _: [0.0] * len(trials)),
        Method("length rule", lambda trials, _: [float(len(one.prompt)) for one in trials]),
        Method("prior only", lambda trials, _: [-prior(one.prompt) for one in trials]),
        Method("tagger only", lambda trials, _: [-_p_fast(one.prompt) for one in trials]),
        *(Method(f"cascade, judge AUC {auc}", _judge(auc), judged=True, modelled=True, draws=DRAWS) for auc in AUCS),
        Method("cascade, oracle", lambda trials, _: [t.strong - t.weak for t in trials], judged=True, modelled=True),
    )


@cache
def _p_fast(prompt: str) -> float:
    """The shipped tagger's, which never saw ``dev/``."""
    return tag([Turn(True, prompt)]).p_fast


def cascade_parts(data: Path, costs: Costs) -> dict[str, Part]:
    """By file of ``dev/``; the prior is trained on ``train/`` alone. Empty where there is no data."""
    dev = read_dev(data)
    if not dev or not (data / TRAIN_FILE).exists():
        return {}
    train = read_train(data / TRAIN_FILE)
    # What is to be ranked is what the strong model adds, so that is what is fitted.
    known = methods(train_prior([one.prompt for one in train], [one.margin for one in train]))
    return {name: measure(trials, known, costs) for name, trials in dev.items()}


def measure(trials: Sequence[Trial], known: Sequence[Method], costs: Costs) -> Part:
    """Raises ``ValueError`` where the strong model is no better than the weak one."""
    routed, judged = [costs.routed(one) for one in trials], [costs.judged(one) for one in trials]
    weak_microusd = fmean(one.kept_microusd for one in routed)
    strong_microusd = fmean(one.sent_microusd for one in routed)
    grid = [share * strong_microusd for share in _grid()]
    rows, lines = [], {}
    for method in known:
        scores, curves = _drawn(method, trials, judged if method.judged else routed)
        rows.append(_row(method, trials, scores, curves, strong_microusd))
        lines[method.name] = tuple(fmean(one.recovered_at(cost) for one in curves) for cost in grid)
    return Part(
        count=len(trials),
        weak=fmean(one.weak for one in trials),
        strong=fmean(one.strong for one in trials),
        weak_microusd=weak_microusd,
        strong_microusd=strong_microusd,
        rows=tuple(rows),
        lines=lines,
    )


def macro(parts: Sequence[Part]) -> Part:
    """The mean over files, whatever their sizes."""
    rows = tuple(
        Row(
            method=same[0].method,
            auc=fmean(row.auc for row in same),
            apgr=fmean(row.apgr for row in same),
            cost_area=fmean(row.cost_area for row in same),
            costs=tuple(fmean(each) for each in zip(*(row.costs for row in same), strict=True)),
        )
        for same in zip(*(part.rows for part in parts), strict=True)
    )
    lines = {
        name: tuple(fmean(each) for each in zip(*(part.lines[name] for part in parts), strict=True))
        for name in parts[0].lines
    }
    return Part(
        count=sum(part.count for part in parts),
        weak=fmean(part.weak for part in parts),
        strong=fmean(part.strong for part in parts),
        weak_microusd=fmean(part.weak_microusd for part in parts),
        strong_microusd=fmean(part.strong_microusd for part in parts),
        rows=rows,
        lines=lines,
    )


def show(parts: Mapping[str, Part], costs: Costs, console: Console) -> None:
    """A table for each file and the macro mean, and what they can and cannot show."""
    for name, part in [*parts.items(), ("macro mean", macro(list(parts.values())))]:
        console.print(_table(name, part))
    console.print(
        f"Prices of {costs.prices.generated}: {costs.fast.id} answers fast, {costs.strong.id} is the stronger one. "
        f"Assumed: {costs.assumed}."
    )
    console.print(
        "Recorded, so measured here: which of two models (others than those two) was right for each prompt, and with "
        "it the quality of the single, random, length and prior rows; costs are computed as above. Not recorded: "
        "replies, their log-probabilities, and what a verifier would have made of them. So every cascade row is "
        f"MODELLED: a judge with the stated AUC, drawn at random ({DRAWS} times, means shown); an oracle that no judge "
        "beats; and a verifier exactly as good as the stronger model's own answer. They show what a judge of that "
        "quality would be worth, not how good Signalbox's is: measure that with `signalbox bench confidence "
        "--evidence` on your own replies."
    )


def picture(parts: Mapping[str, Part], file: Path) -> None:
    """The macro mean of the curves, as SVG."""
    whole, grid = macro(list(parts.values())), _grid()
    least = whole.weak_microusd / whole.strong_microusd
    lines = [
        Line(
            row.method.name,
            [(x, y) for x, y in zip(grid, whole.lines[row.method.name], strict=True) if x >= least],
            dashed=row.method.modelled,
        )
        for row in whole.rows
    ]
    file.write_text(
        drawn(
            lines,
            title="Share of the quality gap recovered, by cost (dashed: modelled)",
            across="cost a prompt, in that of the stronger model alone",
            upwards="gap recovered",
            widest=_WIDEST,
        ),
        "utf-8",
    )


def _judge(auc: float) -> Scores:
    return lambda trials, seed: modelled_doubt([one.weak for one in trials], auc, seed)


def _drawn(
    method: Method, trials: Sequence[Trial], outcomes: Sequence[Outcome]
) -> tuple[list[list[float]], list[Curve]]:
    scores = [method.scores(trials, seed) for seed in range(method.draws)]
    return scores, [curve(outcomes, one) for one in scores]


def _row(
    method: Method, trials: Sequence[Trial], scores: list[list[float]], curves: list[Curve], strong_microusd: float
) -> Row:
    wrong = [one.weak < 0.5 for one in trials]
    return Row(
        method=method,
        auc=fmean(auc_of(one, wrong) for one in scores),
        apgr=fmean(one.apgr for one in curves),
        cost_area=fmean(one.cost_area(strong_microusd) for one in curves),
        costs=tuple(fmean(one.cost_at(target) for one in curves) for target in TARGETS),
    )


def _grid() -> list[float]:
    return [place * _WIDEST / _GRID for place in range(_GRID + 1)]


def _table(name: str, part: Part) -> Table:
    table = Table(
        "",
        "",
        "AUC",
        "APGR",
        "area by cost",
        *(f"µ$ at {target:.0%}" for target in TARGETS),
        title=f"{name}: {part.count:,} prompts; weak {part.weak:.3f} right for {part.weak_microusd:,.0f} µ$, "
        f"strong {part.strong:.3f} for {part.strong_microusd:,.0f} µ$",
    )
    for cells in _cells(part):
        table.add_row(*cells)
    return table


def _cells(part: Part) -> Iterator[tuple[str, ...]]:
    yield ("single weak", "recorded", "", "", "", *("never" for _ in TARGETS))
    yield ("single strong", "recorded", "", "", "", *(_cost(part.strong_microusd, part) for _ in TARGETS))
    for row in part.rows:
        kind = "modelled" if row.method.modelled else "recorded"
        auc = "" if math.isnan(row.auc) else f"{row.auc:.3f}"
        costs = (_cost(cost, part) for cost in row.costs)
        yield (row.method.name, kind, auc, f"{row.apgr:.3f}", f"{row.cost_area:.3f}", *costs)


def _cost(microusd: float, part: Part) -> str:
    return f"{microusd:,.0f} ({microusd / part.strong_microusd:.0%})"
