"""Whether ``p_fast`` sends the right prompts to the strong model, and means what it says, on recorded outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from workbench.confidence.recorded import Trial
from workbench.confidence.reliability import Reliability, reliability
from workbench.tagging import rules
from workbench.tagging.learned import Learned
from workbench.tagging.measures import Column, Interval, apgr, interval, resampled

TAGGER, RANDOM, LENGTH, WRITE_UP = "tagger", "random", "length rule", "write-up's rule"
MACRO = "macro"
SEED = 11

# By method and file a score for each prompt; the highest go to the strong model.
Scores = Mapping[str, Mapping[str, Sequence[float]]]
Dev = Mapping[str, Sequence[Trial]]


@dataclass(frozen=True)
class Quality:
    """``apgr``: by method, then by file and ``MACRO``. ``ahead``: of the tagger, by rival, then likewise.
    ``calibration``: of p_fast, by file. ``counts``: prompts by file."""

    counts: dict[str, int]
    apgr: dict[str, dict[str, float]]
    ahead: dict[str, dict[str, Interval]]
    calibration: dict[str, Reliability]


def with_a_gap(dev: Dev) -> dict[str, Sequence[Trial]]:
    """The files in which there is something to recover: the strong model is right more often."""
    return {
        name: trials
        for name, trials in dev.items()
        if trials and fmean(one.strong for one in trials) > fmean(one.weak for one in trials)
    }


def quality(dev: Dev, p_fast: Mapping[str, Sequence[float]], learned: Learned | None) -> Quality:
    """``p_fast``: of each prompt of ``dev``, by file; every file has a gap."""
    scores = _scores(dev, p_fast, learned)
    by_method = {RANDOM: _of_chance(dev), **{name: _of_files(dev, columns) for name, columns in scores.items()}}
    return Quality(
        counts={name: len(trials) for name, trials in dev.items()},
        apgr={name: {**by_file, MACRO: fmean(by_file.values())} for name, by_file in by_method.items()},
        ahead=_ahead(dev, scores),
        calibration={name: reliability(p_fast[name], [one.suffices for one in trials]) for name, trials in dev.items()},
    )


def _scores(dev: Dev, p_fast: Mapping[str, Sequence[float]], learned: Learned | None) -> Scores:
    prompts = {name: [one.prompt for one in trials] for name, trials in dev.items()}
    return {
        LENGTH: {name: rules.length_rule(some) for name, some in prompts.items()},
        WRITE_UP: {name: rules.write_up_rule(some) for name, some in prompts.items()},
        **(learned.dev if learned else {}),
        TAGGER: {name: [1 - one for one in values] for name, values in p_fast.items()},
    }


def _of_files(dev: Dev, columns: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: apgr(columns[name], *_outcomes(trials)) for name, trials in dev.items()}


def _of_chance(dev: Dev) -> dict[str, float]:
    return {
        name: fmean(apgr(rules.shuffled(len(trials), seed), *_outcomes(trials)) for seed in range(rules.SHUFFLES))
        for name, trials in dev.items()
    }


def _ahead(dev: Dev, scores: Scores) -> dict[str, dict[str, Interval]]:
    """Paired: tagger and rivals are measured on the same draws of the prompts."""
    drawn = {
        name: resampled({method: columns[name] for method, columns in scores.items()}, *_outcomes(trials), SEED + place)
        for place, (name, trials) in enumerate(dev.items())
    }
    found = {}
    for rival in scores:
        if rival in (TAGGER, WRITE_UP):
            continue
        ahead: dict[str, Column] = {name: by_method[TAGGER] - by_method[rival] for name, by_method in drawn.items()}
        ahead[MACRO] = sum(ahead.values(), start=0 * ahead[next(iter(ahead))]) / len(ahead)
        found[rival] = {name: interval(values) for name, values in ahead.items()}
    return found


def _outcomes(trials: Sequence[Trial]) -> tuple[list[float], list[float]]:
    return [one.weak for one in trials], [one.strong for one in trials]
