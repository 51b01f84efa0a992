"""The arithmetic of `signalbox bench cascade` and `bench confidence`, on outcomes small enough to check by hand."""

import csv
import gzip
import io
import math
import random
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from signalbox.policy.load import load_resource
from signalbox.pricing.table import load_prices
from tests.builders import model, prices
from workbench.bench.cascade import Method, Part, cascade_parts, macro, measure, methods, picture, show
from workbench.cli import app
from workbench.commands import bench
from workbench.confidence.costs import Assumptions, Costs, shipped_costs
from workbench.confidence.curves import Curve, Outcome, curve
from workbench.confidence.judge import auc_of, modelled_doubt
from workbench.confidence.recorded import STRONG, WEAK, Trial, read_dev, read_train
from workbench.confidence.reliability import reliability
from workbench.confidence.svg import Line, drawn


def outcomes(*pairs: tuple[float, float]) -> list[Outcome]:
    """Each kept for 1 and sent for 11 micro-dollars."""
    return [Outcome(weak, strong, 1, 11) for weak, strong in pairs]


HALF = outcomes((0, 1), (0, 1), (1, 1), (1, 1))


def test_a_constant_score_is_a_random_mix() -> None:
    mixed = curve(HALF, [0.0] * 4)
    assert mixed.apgr == pytest.approx(0.5)
    assert [mixed.cost_at(target) for target in (0.5, 0.8, 1.0)] == pytest.approx([6, 9, 11])
    assert mixed.cost_area(11) == pytest.approx(0.5)


def test_the_best_order_recovers_all_at_half() -> None:
    best = curve(HALF, [2, 1, 0, 0])
    assert best.apgr == pytest.approx(0.75)
    assert best.cost_at(0.5) == pytest.approx(3.5)  # one of four: 1 + 10 / 4
    assert best.cost_at(1.0) == pytest.approx(6)
    assert best.recovered_at(0) == 0
    assert [best.recovered_at(cost) for cost in (1, 3.5, 4.75, 6, 11, 99)] == pytest.approx([0, 0.5, 0.75, 1, 1, 1])
    assert best.cost_area(11) == pytest.approx(0.75)
    assert best.cost_area(6) == pytest.approx(0.5)


def test_the_worst_order_recovers_nothing_until_half() -> None:
    worst = curve(HALF, [0, 0, 1, 2])
    assert worst.apgr == pytest.approx(0.25)
    assert worst.cost_at(0.5) == pytest.approx(8.5)


def test_without_a_gap_there_is_nothing_to_recover() -> None:
    with pytest.raises(ValueError, match="no gap"):
        curve(outcomes((1, 1), (1, 0)), [0, 1])
    with pytest.raises(ValueError, match="no gap"):
        curve([], [])


pairs = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1, max_size=12).filter(
    lambda found: fmean(s for _, s in found) > fmean(w for w, _ in found)
)


@given(pairs, st.data())
def test_no_order_beats_the_oracle_and_its_reverse_mirrors_it(
    found: list[tuple[float, float]], data: st.DataObject
) -> None:
    some = outcomes(*found)
    scores = data.draw(st.lists(st.integers(0, 3), min_size=len(some), max_size=len(some)))
    oracle = curve(some, [one.strong - one.weak for one in some])
    given_order, reverse = curve(some, scores), curve(some, [-score for score in scores])
    assert given_order.apgr <= oracle.apgr + 1e-9
    assert given_order.apgr + reverse.apgr == pytest.approx(1)
    assert given_order.points[-1].quality == pytest.approx(fmean(strong for _, strong in found))


def test_a_modelled_judge_is_as_good_as_it_says() -> None:
    draw = random.Random(1)  # noqa: S311 reproducible
    right = [float(draw.random() < 0.7) for _ in range(4000)]
    wrong = [not one for one in right]
    for auc in (0.5, 0.6, 0.8, 0.95):
        assert auc_of(modelled_doubt(right, auc, seed=3), wrong) == pytest.approx(auc, abs=0.02)
    assert modelled_doubt(right, 0.7, 1) == modelled_doubt(right, 0.7, 1) != modelled_doubt(right, 0.7, 2)


def test_auc_counts_ties_half() -> None:
    assert auc_of([1, 1, 1], [True, False, False]) == 0.5
    assert auc_of([3, 2, 1], [True, False, False]) == 1
    assert auc_of([1, 2, 2, 3], [True, True, False, False]) == pytest.approx(0.5 / 4)
    assert math.isnan(auc_of([1, 2], [True, True]))


FAST, STRONGER = model("fast"), model("strong")
COSTS = Costs(FAST, STRONGER, prices(FAST, STRONGER), Assumptions(10, 20, 5, 2, 0.5))


def test_costs_are_the_shipped_kind_of_prices() -> None:
    """1 micro-dollar a token in, 5 out; "hello" is one token."""
    trial = Trial("hello", weak=1, strong=1, suffices=1)
    routed, judged = COSTS.routed(trial), COSTS.judged(trial)
    assert (routed.kept_microusd, routed.sent_microusd) == (1 + 50, 1 + 150)
    assert judged.kept_microusd == 51  # the fast reply is bought in any case
    confirming = (1 + 5 + 10) + (20 + 2) * 5
    assert judged.sent_microusd == pytest.approx(51 + (confirming + 151) / 2)
    wrong = COSTS.judged(Trial("hello", weak=0, strong=1, suffices=0))
    assert wrong.sent_microusd == pytest.approx(51 + (16 + 150 + 151) / 2)


def test_the_shipped_policy_has_a_fast_and_an_escalation_pin() -> None:
    policy = load_resource()
    costs = shipped_costs(policy, load_prices())
    found = costs.routed(Trial("hello", 0, 1, 0))
    assert (costs.fast, costs.strong) == (policy.roles["fast"].pin, policy.roles["escalation"].pin)
    assert 0 < found.kept_microusd < found.sent_microusd


TRIALS = [Trial(f"question {place}" + " word" * place, place % 2, 1, place % 2) for place in range(20)]


def sure_of_odd(prompt: str) -> float:
    return float(int(prompt.split()[1]) % 2)


def measured() -> Part:
    return measure(TRIALS, methods(sure_of_odd), COSTS)


def test_each_method_is_measured_by_what_it_may_know() -> None:
    rows = {row.method.name: row for row in measured().rows}
    assert rows["random mix"].apgr == pytest.approx(0.5)
    assert rows["prior only"].apgr == pytest.approx(rows["cascade, oracle"].apgr) == pytest.approx(0.75)
    assert rows["prior only"].auc == 1
    # The same order costs a cascade the fast replies on top.
    assert rows["cascade, oracle"].cost_area < rows["prior only"].cost_area
    judges = [rows[f"cascade, judge AUC {auc}"] for auc in (0.6, 0.7, 0.8)]
    assert judges[0].apgr < judges[1].apgr < judges[2].apgr < rows["cascade, oracle"].apgr
    assert all(row.method.modelled == row.method.name.startswith("cascade") for row in rows.values())


def test_the_macro_mean_weighs_files_alike() -> None:
    known = (Method("length", lambda trials, _: [float(len(one.prompt)) for one in trials]),)
    small, large = measure(TRIALS[:4], known, COSTS), measure(TRIALS, known, COSTS)
    whole = macro([small, large])
    assert whole.rows[0].apgr == pytest.approx((small.rows[0].apgr + large.rows[0].apgr) / 2)
    assert whole.rows[0].costs == pytest.approx(
        [(one + other) / 2 for one, other in zip(small.rows[0].costs, large.rows[0].costs, strict=True)]
    )
    assert whole.count == 24


def test_what_is_modelled_says_so() -> None:
    console = Console(file=io.StringIO(), width=160)
    show({"a": measured()}, COSTS, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    rows = [line for line in text.splitlines() if "cascade, " in line]
    assert len(rows) == 8
    assert all("modelled" in line for line in rows)
    assert "Not recorded: replies" in " ".join(text.split())


def test_the_picture_is_well_formed(tmp_path: Path) -> None:
    picture({"a": measured()}, tmp_path / "curves.svg")
    root = ElementTree.parse(tmp_path / "curves.svg").getroot()  # noqa: S314 our own file
    names = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"random mix", "prior only", "cascade, oracle"} < names
    lines = list(root.iter("{http://www.w3.org/2000/svg}polyline"))
    assert [("stroke-dasharray" in line.attrib) for line in lines] == [False] * 4 + [True] * 4


def test_names_in_a_picture_are_text() -> None:
    text = drawn([Line("<b>&", [(0, 0), (1, 1)])], title="t", across="x", upwards="y", widest=1)
    assert "&lt;b&gt;&amp;" in text
    ElementTree.fromstring(text)  # noqa: S314 our own


def write(file: Path, rows: Sequence[dict[str, object]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    file.write_bytes(gzip.compress(text.getvalue().encode()) if file.suffix == ".gz" else text.getvalue().encode())


def scored(task: str, place: int, **scores: float) -> dict[str, object]:
    fixed = dict.fromkeys((*WEAK, *STRONG), 1.0)
    return {"task": task, "prompt": f"{task} {place}" + " so" * place, **(fixed | scores)}


def recorded(folder: Path) -> Path:
    """Two tasks to train on, one file to measure on."""
    write(folder / "train" / "llmrouter.csv.gz", [scored(t, n, **{WEAK[0]: n % 2}) for t in "ab" for n in range(6)])
    rows = [
        {"prompt_id": n, "prompt": f"q {n}", "weak_correct": n % 2, "strong_correct": 1, "contaminated": int(n == 0)}
        for n in range(9)
    ]
    write(folder / "dev" / "quiz.csv", rows)
    return folder


def test_contaminated_rows_are_left_out(tmp_path: Path) -> None:
    (trials,) = read_dev(recorded(tmp_path)).values()
    assert len(trials) == 8
    assert [one.suffices for one in trials[:2]] == [1, 0]


def test_a_failure_of_format_or_scoring_is_not_trained_on(tmp_path: Path) -> None:
    """GIVEN a weak model that always fails on a task, and a task on which all fail alike THEN neither is taken."""
    broken = [scored("format", n, **{WEAK[1]: 0.0}) for n in range(4)]
    unscored = [scored("scoring", n, **dict.fromkeys((*WEAK, *STRONG), 0.2)) for n in range(4)]
    write(tmp_path / "x.csv.gz", broken + unscored)
    trials = read_train(tmp_path / "x.csv.gz")
    assert len(trials) == 4
    assert {(one.weak, one.suffices, one.margin) for one in trials} == {(1.0, 1.0, 0.5)}


def test_the_prior_is_fitted_to_train_alone(tmp_path: Path) -> None:
    """GIVEN other outcomes in dev/ THEN the prior ranks its prompts as before."""
    first = cascade_parts(recorded(tmp_path / "one"), COSTS)["quiz"]
    again = recorded(tmp_path / "two")
    text = (again / "dev" / "quiz.csv").read_text()
    (again / "dev" / "quiz.csv").write_text(text.replace("q 1,1", "q 1,0"))
    second = cascade_parts(again, COSTS)["quiz"]
    assert first.weak != second.weak
    priors = [next(m for m in part.rows if m.method.name == "prior only").method for part in (first, second)]
    trials = [Trial(f"q {n}", 0, 1, 0) for n in range(9)]
    assert priors[0].scores(trials, 0) == priors[1].scores(trials, 0)


@pytest.mark.parametrize("command", ["cascade", "confidence"])
def test_without_data_it_is_skipped_and_says_so(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=300)
    monkeypatch.setattr(bench, "console", console)
    assert CliRunner().invoke(app, ["bench", command, "--data", str(tmp_path)]).exit_code == 0
    assert "skipped" in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", ["cascade", "confidence"])
def test_with_data_it_runs_from_end_to_end(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=200)
    monkeypatch.setattr(bench, "console", console)
    arguments = ["bench", command, "--data", str(recorded(tmp_path))]
    if command == "cascade":
        arguments += ["--svg", str(tmp_path / "x.svg")]
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 0, found.output
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert ("macro mean: 8 prompts" if command == "cascade" else "cheap signals, quiz") in text
    assert (tmp_path / "x.svg").exists() == (command == "cascade")


def test_reliability_by_hand() -> None:
    found = reliability([0.05, 0.95, 0.85, 1.0], [0, 1, 0, 1])
    assert [one.count for one in found.bins] == [1, 0, 0, 0, 0, 0, 0, 0, 1, 2]
    assert found.ece == pytest.approx((0.05 + 0.85 + 2 * 0.025) / 4)
    assert found.brier == pytest.approx((0.05**2 + 0.05**2 + 0.85**2) / 4)
    assert (found.share_good, found.base_brier, found.bins[9].good) == (0.5, 0.25, 1.0)
    with pytest.raises(ValueError):
        reliability([], [])


def test_a_curve_is_of_its_ends() -> None:
    found: Curve = curve(HALF, [0, 1, 2, 3])
    assert [found.weak, found.strong] == pytest.approx([0.5, 1.0])
