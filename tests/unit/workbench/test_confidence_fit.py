"""Fitting finds what is in the evidence, keeps what is not, and never breaks what the estimate promises."""

import json
import math
import random
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from signalbox.confidence.estimate import SIGNALS, estimate, sigmoid
from signalbox.confidence.weights import Weights, load_weights
from signalbox.contracts.evidence import Evidence
from tests.unit.workbench.test_cascade_bench import recorded
from workbench.cli import app
from workbench.confidence.cheap import cheap_signals, train_prior
from workbench.confidence.examples import Example, read_examples
from workbench.confidence.fit import fit_prior, refit
from workbench.confidence.logistic import Parameter, fit_logistic
from workbench.confidence.recorded import Trial
from workbench.confidence.reliability import reliability
from workbench.problem import Problem

SHIPPED = load_weights()


def examples(count: int, seed: int = 1) -> list[Example]:
    """Replies whose self-check tells a lot, whose agreement tells nothing, and whose prior is right as it is."""
    draw = random.Random(seed)  # noqa: S311 reproducible
    made = []
    for _ in range(count):
        prior = draw.choice([0.6, 0.8, 0.9])
        check = draw.choice([None, draw.random()])
        log_odds = math.log(prior / (1 - prior)) + (0 if check is None else 5 * (check - 0.5))
        evidence = Evidence(prior=prior, self_check=check, agreement=draw.random(), hedges=draw.randrange(3))
        made.append(Example(evidence=evidence, good=draw.random() < sigmoid(log_odds)))
    return made


@cache
def fitted_to_some() -> Weights:
    return refit(examples(2000), SHIPPED)


def test_a_known_regression_is_found() -> None:
    draw = random.Random(7)  # noqa: S311 reproducible
    rows = [[1.0, draw.gauss(0, 1), draw.gauss(2, 3)] for _ in range(4000)]
    targets = [float(draw.random() < sigmoid(0.5 - 1.5 * x + 0.3 * y)) for _, x, y in rows]
    assert fit_logistic(rows, targets, [Parameter(0.0)] * 3) == pytest.approx([0.5, -1.5, 0.3], abs=0.12)


def test_the_optimum_does_not_depend_on_the_start() -> None:
    rows, targets = [[1.0, float(x)] for x in range(6)], [0.0, 0.2, 0.1, 1.0, 0.6, 1.0]
    near = fit_logistic(rows, targets, [Parameter(0.0), Parameter(0.0)], tolerance=1e-7)
    far = fit_logistic(rows, targets, [Parameter(30.0), Parameter(-9.0)], tolerance=1e-7)
    assert near == pytest.approx(far, abs=1e-3)
    slope = sum(sigmoid(near[0] + near[1] * x) - y for (_, x), y in zip(rows, targets, strict=True))
    assert slope == pytest.approx(0, abs=1e-3)  # the gradient of the log-loss


def test_bounds_and_ridge_hold() -> None:
    rows, targets = [[1.0, 1.0], [1.0, 0.0]] * 50, [0.0, 1.0] * 50
    assert fit_logistic(rows, targets, [Parameter(0.0), Parameter(0.5, least=0)])[1] == 0
    assert fit_logistic(rows, targets, [Parameter(0.0), Parameter(0.5, ridge=1e12)])[1] == pytest.approx(0.5, abs=1e-6)
    with pytest.raises(ValueError):
        fit_logistic([], [], [Parameter(0.0)])


def test_a_ridge_pulls_towards_the_start() -> None:
    """GIVEN ten replies that are all good THEN the fit ends where the pull is as strong as they are."""
    (found,) = fit_logistic([[1.0]] * 10, [1.0] * 10, [Parameter(1.0, ridge=2.5)], tolerance=1e-9)
    assert 2.5 * (found - 1.0) == pytest.approx(10 * (1 - sigmoid(found)), abs=1e-6)


@pytest.mark.row("B9")
def test_evidence_moves_the_weights_to_where_it_says() -> None:
    fitted = fitted_to_some()
    check, agreement = fitted.signals.self_check, fitted.signals.agreement
    assert check.at_best - check.at_worst == pytest.approx(5 * 0.8, abs=0.8)  # over its ramp, 0.1 to 0.9
    assert agreement.at_best - agreement.at_worst < 0.5
    assert fitted.prior.slope == pytest.approx(1, abs=0.25)
    assert (check.origin, agreement.origin, fitted.prior.slope_origin) == ("fitted", "fitted", "fitted")


@pytest.mark.row("E4")
def test_fitting_calibrates_what_it_has_not_seen() -> None:
    def measured(weights: Weights) -> tuple[float, float]:
        unseen = examples(2000, seed=2)
        values = [estimate(one.evidence, weights).value for one in unseen]
        found = reliability(values, [float(one.good) for one in unseen])
        return found.ece, found.brier

    before, after = measured(SHIPPED), measured(fitted_to_some())
    assert after[0] < before[0] / 2
    assert after[1] < before[1]


def test_what_the_evidence_lacks_stays_as_declared() -> None:
    fitted = refit(examples(200), SHIPPED)
    for name in ("mean_logprob", "min_logprob", "mean_entropy", "schema_valid", "citations_valid"):
        assert getattr(fitted.signals, name) == getattr(SHIPPED.signals, name)
    assert fitted.ceiling == SHIPPED.ceiling


def test_perverse_evidence_cannot_break_the_promises() -> None:
    """GIVEN replies that are good exactly where the self-check says no, or nobody asked THEN it is worth nothing."""
    perverse = [
        Example(evidence=Evidence(prior=0.8, self_check=check), good=check is None or check < 0.5)
        for check in [0.1, 0.9, None] * 100
    ]
    ramp = refit(perverse, SHIPPED).signals.self_check
    assert ramp.at_worst == ramp.at_best == 0
    assert ramp.missing == 0


def test_replies_with_a_hard_fact_are_left_out() -> None:
    some = examples(100)
    refused = [Example(evidence=Evidence(prior=0.9, refused=True, self_check=1.0), good=True)] * 100
    assert refit([*some, *refused], SHIPPED) == refit(some, SHIPPED)


@pytest.mark.parametrize("count", [0, 10])
def test_too_little_evidence_is_told(count: int) -> None:
    with pytest.raises(Problem, match="at least"):
        refit(examples(count), SHIPPED)


def test_evidence_of_one_kind_alone_is_told() -> None:
    with pytest.raises(Problem, match="some of each kind"):
        refit([one.model_copy(update={"good": True}) for one in examples(100)], SHIPPED)


def test_the_priors_intercept_makes_it_right_on_average() -> None:
    trials = [Trial("q", 0, 1, float(place % 4 > 0)) for place in range(400)]
    fitted = fit_prior(trials, lambda prompt: 0.9, SHIPPED)
    assert sigmoid(fitted.prior.intercept + math.log(9)) == pytest.approx(0.75, abs=1e-3)
    assert fitted.prior.slope == SHIPPED.prior.slope
    assert fitted.signals == SHIPPED.signals


def test_a_cheap_prior_learns_what_cheap_signals_show() -> None:
    prompts = [f"{'9 ' * place}why" for place in range(60)]
    prior = train_prior(prompts, [float(place < 30) for place in range(60)])
    assert prior(prompts[2]) > 0.6 > 0.4 > prior(prompts[58])
    assert all(math.isfinite(x) for x in cheap_signals(""))
    with pytest.raises(ValueError):
        train_prior([], [])


def lines(some: list[Example]) -> str:
    return "\n\n".join(one.model_dump_json() for one in some) + "\n"


def test_fit_from_end_to_end(tmp_path: Path) -> None:
    evidence, out = tmp_path / "evidence.jsonl", tmp_path / "confidence.json"
    evidence.write_text(lines(examples(300)))
    found = CliRunner().invoke(app, ["confidence", "fit", "--evidence", str(evidence), "--out", str(out)])
    assert found.exit_code == 0, found.output
    assert Weights.model_validate_json(out.read_bytes()) == refit(read_examples(evidence), SHIPPED)
    assert "after" in found.output
    measured = CliRunner().invoke(app, ["bench", "confidence", "--evidence", str(evidence)])
    assert measured.exit_code == 0, measured.output


def test_prior_from_end_to_end(tmp_path: Path) -> None:
    out = tmp_path / "confidence.json"
    arguments = ["confidence", "prior", "--data", str(recorded(tmp_path)), "--out", str(out)]
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 0, found.output
    fitted = Weights.model_validate_json(out.read_bytes())
    assert fitted.signals == SHIPPED.signals
    alone = estimate(Evidence(prior=1.0), fitted).value
    assert f"a prior of 1 with nothing else known: {alone:.3f};" in found.output
    missing = CliRunner().invoke(app, ["confidence", "prior", "--data", str(out), "--out", str(out)])
    assert isinstance(missing.exception, Problem)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no evidence"),
        ("{", "line 1"),
        (
            '{"evidence": {"prior": 0.5}, "good": true}\n\n{"evidence": {"prior": 2}, "good": true}',
            "line 3: evidence.prior",
        ),
        ('{"evidence": {"prior": 0.5, "secret": "hush"}, "good": true}', "line 1: evidence.secret"),
    ],
)
def test_a_line_that_is_no_evidence_is_named_and_not_shown(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "evidence.jsonl"
    file.write_text(text)
    with pytest.raises(Problem, match=told) as caught:
        read_examples(file)
    assert "hush" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="FileNotFoundError"):
        read_examples(tmp_path / "nothing")


def test_every_signal_can_be_fitted() -> None:
    full = json.loads(
        '{"mean_logprob": -0.3, "min_logprob": -2, "mean_entropy": 0.5, "schema_valid": true, '
        '"citations_valid": true, "agreement": 0.9, "self_check": 0.8}'
    )
    some = [Example(evidence=Evidence(prior=0.8, **full), good=place % 3 > 0) for place in range(60)]
    fitted = refit(some, SHIPPED)
    assert {getattr(fitted.signals, name).origin for name in SIGNALS} == {"fitted"}
