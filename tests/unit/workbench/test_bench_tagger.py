"""The arithmetic of `signalbox bench tagger`, on a tagger and data small enough to check by hand."""

import io
import json
import math
import random
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from signalbox.tagger.excerpt import Turn
from tests.unit.workbench import taggers
from tests.unit.workbench.taggers import FAKE
from tests.unit.workbench.test_cascade_bench import scored, write
from workbench.bench import tagger as bench
from workbench.cli import app
from workbench.confidence.curves import Outcome, curve
from workbench.confidence.recorded import Trial
from workbench.confidence.svg import Line
from workbench.problem import Problem
from workbench.tagging import cold, examples, hostile, intents, latency, learned, loglog, measures, quality, rules
from workbench.tagging.learned import Learned
from workbench.tagging.robustness import DECISIONS, changes, flip_rates, pair_flips, paraphrases

# Of ../shared/tools/apgr.py, its estimator `exact`.
KNOWN: list[tuple[list[float], list[float], list[float], float]] = [
    ([3, 1, 2, 2, 2, 0.5, 1, 9], [0, 1, 0.5, 0, 1, 0, 1, 0], [1, 1, 1, 0, 0.5, 1, 0, 1], 0.78125),
    ([5, 4, 3, 2, 1], [0, 0, 1, 0, 1], [0, 1, 1, 1, 0], 0.9),
]


@pytest.mark.parametrize(("scores", "weak", "strong", "expected"), KNOWN)
def test_apgr_is_the_published_one(
    scores: list[float], weak: list[float], strong: list[float], expected: float
) -> None:
    assert measures.apgr(scores, weak, strong) == pytest.approx(expected)


trials = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1, max_size=12
).filter(lambda found: fmean(s for _, _, s in found) > fmean(w for _, w, _ in found))


@given(trials)
def test_apgr_is_that_of_the_curve(found: list[tuple[int, float, float]]) -> None:
    scores, weak, strong = zip(*found, strict=True)
    outcomes = [Outcome(low, high, 1, 2) for low, high in zip(weak, strong, strict=True)]
    assert measures.apgr(scores, weak, strong) == pytest.approx(curve(outcomes, scores).apgr)


def test_without_a_gap_there_is_no_apgr() -> None:
    with pytest.raises(ValueError, match="no gap"):
        measures.apgr([1, 2], [1, 0], [0, 1])


def drawn(count: int, seed: int) -> tuple[list[float], list[float], list[float]]:
    """Scores that tell a little, and what weak and strong made of it."""
    chance = random.Random(seed)  # noqa: S311 reproducible
    weak = [float(chance.random() < 0.5) for _ in range(count)]
    strong = [float(chance.random() < 0.8) for _ in range(count)]
    scores = [high - low + chance.gauss(0, 1) for low, high in zip(weak, strong, strict=True)]
    return scores, weak, strong


def test_a_resample_is_the_measure_on_the_prompts_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN weights of a draw THEN its APGR is that of the prompts written out as often as they were drawn."""
    scores, weak, strong = drawn(30, 1)
    monkeypatch.setattr(measures, "RESAMPLES", 5)
    found = measures.resampled({"a": scores}, weak, strong, seed=4)["a"]
    counts = np.random.default_rng(4).multinomial(30, [1 / 30] * 30, 5)
    for value, row in zip(found, counts, strict=True):
        at = [place for place, times in enumerate(row) for _ in range(times)]
        expected = measures.apgr([scores[p] for p in at], [weak[p] for p in at], [strong[p] for p in at])
        assert value == pytest.approx(expected)


def test_the_bootstrap_is_seeded_and_paired() -> None:
    """GIVEN the same scores under two names THEN their difference is nought in every resample."""
    scores, weak, strong = drawn(200, 2)
    first = measures.resampled({"a": scores, "b": [2 * one for one in scores], "c": weak}, weak, strong, 1)
    again = measures.resampled({"a": scores}, weak, strong, 1)
    assert len(first["a"]) == measures.RESAMPLES == 2_000
    assert (first["a"] == again["a"]).all()
    assert (first["a"] == first["b"]).all()
    assert (measures.resampled({"a": scores}, weak, strong, 2)["a"] != again["a"]).any()
    ahead = measures.interval(first["a"] - first["c"])
    assert 0 < ahead.low < ahead.mean < ahead.high
    assert ahead.mean == pytest.approx(
        measures.apgr(scores, weak, strong) - measures.apgr(weak, weak, strong), abs=0.02
    )


def test_a_resample_without_a_gap_counts_for_nothing() -> None:
    found = measures.resampled({"a": [2.0, 1.0]}, [0, 1], [1, 1], 1)["a"]
    assert np.isnan(found).any()
    assert measures.interval(found).high <= 1
    assert not math.isnan(measures.interval(found).mean)


def test_accuracy_and_recall_are_of_one_argmax() -> None:
    assert measures.accuracy_and_recall(["a", "oos", "oos", "b"], ["a", "b", "oos", "oos"]) == (0.5, 0.5)
    assert measures.accuracy_and_recall(["a"], ["a"]) == (1.0, 0.0)


@pytest.mark.parametrize("power", [0, 1, 2])
def test_a_slope_is_the_power_of_the_length(power: int) -> None:
    lengths = (10_000, 100_000, 1_000_000)
    assert measures.slope(lengths, [3e-4 * length**power for length in lengths]) == pytest.approx(power, abs=1e-9)


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(one) for one in range(1, 101)]
    assert [measures.percentile(values, share) for share in (0.5, 0.99, 1.0)] == [51, 100, 100]


def test_the_write_ups_rule() -> None:
    assert not rules.is_long("short\n" + "x" * 500)
    assert rules.is_long("x\n" + "x" * 499)
    assert [rules.is_long(" one" * count) for count in (512, 513)] == [False, True]
    assert rules.length_rule(["ab", ""]) == [2, 0]
    assert rules.shuffled(5, 1) == rules.shuffled(5, 1) != rules.shuffled(5, 2)
    assert sorted(rules.shuffled(5, 3)) == [0, 1, 2, 3, 4]


# The strong model adds something where the prompt is long, and the fake tagger goes by length alone.
DEV = {
    name: [Trial("x" * (place + 1), float(place < count / 2), 1, float(place < count / 2)) for place in range(count)]
    for name, count in (("small", 40), ("large", 400))
}


def p_fast_of(some: Sequence[Trial]) -> list[float]:
    return [FAKE.tag((Turn(True, one.prompt),)).p_fast for one in some]


def test_every_method_is_measured_on_the_same_prompts() -> None:
    """GIVEN a tagger that goes by length THEN it is as good as the length rule, better than a reversed TF-IDF."""
    reversed_length = {name: [-float(len(one.prompt)) for one in some] for name, some in DEV.items()}
    trained = Learned({"TF-IDF": reversed_length}, {})
    found = quality.quality(DEV, {name: p_fast_of(some) for name, some in DEV.items()}, trained)
    assert found.counts == {"small": 40, "large": 400}
    assert list(found.apgr) == ["random", "length rule", "write-up's rule", "TF-IDF", "tagger"]
    assert found.apgr["tagger"]["small"] == pytest.approx(0.75)
    assert found.apgr["tagger"] == pytest.approx(found.apgr["length rule"])
    assert found.apgr["TF-IDF"]["large"] == pytest.approx(0.25)
    assert found.apgr["random"]["large"] == pytest.approx(0.5, abs=0.03)
    assert found.apgr["write-up's rule"]["small"] == 0.5
    assert found.apgr["random"]["macro"] == pytest.approx(
        (found.apgr["random"]["small"] + found.apgr["random"]["large"]) / 2
    )
    assert set(found.ahead) == {"length rule", "TF-IDF"}
    assert found.ahead["length rule"]["macro"] == measures.Interval(0, 0, 0)
    ahead = found.ahead["TF-IDF"]
    assert ahead["macro"].mean == pytest.approx(0.5, abs=0.02)
    # Files count alike, so the small one's chance is half of the macro's.
    assert ahead["large"].high - ahead["large"].low < ahead["macro"].high - ahead["macro"].low
    assert ahead["macro"].high - ahead["macro"].low < ahead["small"].high - ahead["small"].low
    assert found.calibration["small"].share_good == 0.5


def test_a_file_without_a_gap_is_left_out() -> None:
    assert list(quality.with_a_gap({**DEV, "even": [Trial("a", 1, 1, 1)], "none": []})) == ["small", "large"]


def test_out_of_scope_is_one_label_among_others() -> None:
    """GIVEN a label of another source that is likelier THEN it is not asked; THEN oos wins where it is likeliest."""
    assert intents.best_label(FAKE.label_probabilities([Turn(True, "greeting now")])) == "greeting"
    assert intents.best_label({"clinc150/oos": 0.4, "clinc150/yes": 0.3, "bitext/oos": 0.9}) == "oos"
    utterances = [
        examples.Utterance(text, label)
        for text, label in (("greeting", "greeting"), ("yes", "oos"), ("oos", "oos"), ("yes hello", "greeting"))
    ]
    found = intents.intents(utterances, FAKE, Learned({}, {"other": ["greeting", "oos", "oos", "no"]}))
    assert (found.inside, found.outside) == (2, 2)
    assert found.rows == {"other": (0.5, 1.0), "tagger": (0.5, 0.5)}
    # The fake's intent is `greeting` where hello is said, `other` elsewhere.
    assert found.taxonomy == (0.5, 1.0)


def test_flips_are_counted_among_texts_that_changed() -> None:
    """GIVEN a tagger that reads small letters alone WHEN in capitals THEN disputes flip, and lower case flips none."""
    texts = ["please refund me", "nothing at all", "UPPER ALREADY", "Refund or refund"]
    known = {"upper": lambda text, _: text.upper(), "lower": lambda text, _: text.lower()}
    found = flip_rates(texts, FAKE, known, seed=1)
    upper, lower = found["upper"], found["lower"]
    assert upper.changed == 3
    flips = dict(zip(DECISIONS, upper.shares, strict=True))
    assert flips == pytest.approx(
        {"complexity": 0, "intent": 2 / 3, "billing dispute": 2 / 3, "compliance": 0, "p_fast": 0}
    )
    assert upper.moved == 0
    assert (lower.changed, lower.shares) == (2, (0, 0, 0, 0, 0))
    assert found["all"].changed == 5
    assert dict(zip(DECISIONS, found["all"].shares, strict=True))["intent"] == pytest.approx(2 / 5)


def test_how_far_p_fast_moves() -> None:
    doubled = {"doubled": lambda text, _: text + text}
    found = flip_rates(["x" * 60, "x" * 100], FAKE, doubled, seed=1)["doubled"]
    assert found.moved == pytest.approx(((1 / 1.6 - 1 / 2.2) + (1 / 2 - 1 / 3)) / 2)
    assert found.shares[DECISIONS.index("p_fast")] == 1
    none = flip_rates(["X"], FAKE, {"none": lambda text, _: text}, seed=1)["none"]
    assert (none.changed, none.shares, none.moved) == (0, (0,) * 5, 0)


def test_flips_between_two_wordings(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text('text,paraphrase\n"please, refund me",give it back\nrefund me,i want a refund\n')
    pairs = paraphrases(file)
    assert pairs == [("please, refund me", "give it back"), ("refund me", "i want a refund")]
    found = pair_flips(pairs, FAKE)
    assert found.changed == 2
    assert dict(zip(DECISIONS, found.shares, strict=True))["billing dispute"] == 1 / 2


def test_the_paraphrases_are_of_each_text_another() -> None:
    pairs = paraphrases()
    assert len(pairs) >= 300
    assert all(one.strip() and other.strip() and one != other for one, other in pairs)
    assert len({text for pair in pairs for text in pair}) == 2 * len(pairs)


def test_changes_are_seeded_and_keep_the_request() -> None:
    text = "i would like to know whether something about these various international payments changed yesterday"
    known = changes()
    assert list(known) == ["lower case", "upper case", "title case", "typos", "politeness", "injected words"]
    for name in ("politeness", "injected words"):
        made = {known[name](text, random.Random(seed)) for seed in range(60)}  # noqa: S311
        assert all(text in one and one != text for one in made)
        assert len(made) > 6
    one, other = (known["typos"](text, random.Random(1)) for _ in range(2))  # noqa: S311
    assert one == other != text


def test_texts_are_as_long_as_asked_for() -> None:
    for name, make in hostile.kinds().items():
        for length in (1, 10, 1_234):
            assert len(make(length, random.Random(1))) == length, name  # noqa: S311
    words = hostile.kinds()["unknown words"](5_000, random.Random(1)).split()  # noqa: S311
    assert len(set(words)) > 600
    turns = hostile.dialogue(50, random.Random(1))  # noqa: S311
    assert len(turns) == 50
    assert turns[-1].user
    assert sum(turn.user for turn in turns) == 25


def test_each_call_is_timed_after_the_warm_up() -> None:
    calls: list[str] = []
    inputs = [(Turn(True, "a"),), (Turn(True, "b"),)]
    found = latency.timed(lambda turns: calls.append(turns[0].text), inputs, runs=6, warm_up=3)
    assert "".join(calls) == "aba" + "ababab"
    assert 0 < found.p50 <= found.p99
    assert 0 <= found.cpu_p50 <= found.cpu_p99


def measured(times: Any = lambda length: 1.0) -> latency.Measured:
    one = {length: latency.Times(times(length), 2 * times(length), 0.5, 0.7) for length in latency.LENGTHS}
    requests = dict.fromkeys(latency.REQUESTS, latency.Times(1.5, 3, 1.4, 2))
    return latency.Measured({"prose": one, "<code>": one}, requests, 1)


def test_the_slope_is_taken_beyond_the_fixed_costs() -> None:
    assert measured(lambda length: 1 + length / 1e5 if length < 10_000 else length / 1e4).slope(
        "prose"
    ) == pytest.approx(1)
    assert measured().slope("prose") == pytest.approx(0)


def test_timings_survive_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN the child's own output THEN what is read is what was measured, of every kind, length and request."""
    monkeypatch.setattr(latency, "console", Console(file=io.StringIO()))
    found = latency.measure(lambda _: None, lengths=(10,), runs=2, request_runs=2)
    assert set(found.texts) == set(hostile.kinds())
    assert set(found.requests) == set(latency.REQUESTS)
    assert latency.read(json.loads(json.dumps(asdict(found)))) == found


def test_what_a_cold_start_adds() -> None:
    runs = [[[100.0, 30.0, 31.0], [150.0, 50.0, 51.0], [190.0 + place, 62.0, 70.0]] for place in (0, 1, 50)]
    found = cold.summary(runs)
    assert [(one.cpu_ms, one.memory_mb) for one in found.values()] == [(100, 30), (50, 20), (41, 12), (91, 32)]
    assert [one.peak_mb for one in found.values()] == [31, 20, 19, 39]


def test_a_picture_of_decades() -> None:
    text = loglog.drawn(
        [Line("<b>&", [(10, 0.5), (1_000_000, 20)]), Line("flat", [(10, 15), (1_000_000, 15)])],
        title="t", across="x", upwards="y",
    )  # fmt: skip
    root = ElementTree.fromstring(text)  # noqa: S314 our own
    svg = "{http://www.w3.org/2000/svg}"
    labels = [one.text for one in root.iter(f"{svg}text")]
    assert {"10", "1,000,000", "0.1", "1", "100", "<b>&"} <= set(labels)
    rising, flat = ([point.split(",") for point in one.attrib["points"].split()] for one in root.iter(f"{svg}polyline"))
    assert float(rising[0][1]) > float(rising[1][1])  # upwards is less in pixels
    assert flat[0][1] == flat[1][1]
    assert rising[0][0] == flat[0][0] != rising[1][0]


def data_folder(folder: Path) -> Path:
    """Something of each file that is read."""
    write(folder / "train" / "llmrouter.csv.gz", [scored("a", 1)])
    splits = (("val", "greeting", "hello there"), ("oos_val", "oos", "oos"), ("train", "yes", "yes please"))
    rows = [{"prompt_id": n, "split": s, "text": t, "intent": i, "domain": ""} for n, (s, i, t) in enumerate(splits)]
    write(folder / "train" / "clinc150.csv.gz", rows)
    write(folder / "train" / "banking77.csv.gz", [{"prompt_id": n, "text": f"Card {n}"} for n in range(5)])
    rows = [
        {"prompt_id": n, "prompt": "x" * n + "y", "weak_correct": int(n < 4), "strong_correct": 1} for n in range(9)
    ]
    write(folder / "dev" / "quiz.csv", rows)
    return folder


def test_examples_are_of_the_validation_splits_and_drawn_alike(tmp_path: Path) -> None:
    folder = data_folder(tmp_path)
    assert [one.text for one in examples.clinc_validation(folder)] == ["hello there", "oos"]
    drawn_texts = examples.draw(folder, 9, seed=1)
    assert {name: len(texts) for name, texts in drawn_texts.items()} == {
        "CLINC150 validation": 2, "Banking77": 3, "dev prompts": 3
    }  # fmt: skip
    assert drawn_texts == examples.draw(folder, 9, seed=1) != examples.draw(folder, 9, seed=2)
    assert examples.draw(tmp_path / "none", 9, seed=1) == {}


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The parts that start processes of their own are told what those would have found."""
    monkeypatch.setattr(bench, "shipped", lambda: FAKE)
    monkeypatch.setattr(learned, "PYTHON", tmp_path / "no" / "python")
    monkeypatch.setattr(latency, "measured", measured)
    monkeypatch.setattr(cold, "cold_costs", lambda: {"import numpy": cold.Cold(101, 21.5, 22.5)})


def printed(data: Path, *parts: str, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=200)
    bench.run(bench.Bench(data, console, **options), parts)
    return re.sub(r"\s+", " ", console.file.getvalue())  # type: ignore[attr-defined]


def test_all_of_it_from_end_to_end(tmp_path: Path) -> None:
    text = printed(data_folder(tmp_path), svg=tmp_path / "x.svg")
    for word in (
        "quiz (9)", "macro", "TF-IDF │ needs `make train`'s environment", "paired resamples", "Brier",
        "1 in scope, 1 out of it", "96.9%", "the taxonomy's intents", "--train",
        "Flip rates: 16 texts (2 of CLINC150 validation, 5 of Banking77, 9 of dev prompts)",
        "injected words", "1.00 / 2.00", "+0.00", "50 turns", "Threads of the process: 1", "shared and noisy",
        "import numpy │ 101 │ 21.5 │ 22.5",
    ):  # fmt: skip
        assert word in text, word
    ElementTree.parse(tmp_path / "x.svg")  # noqa: S314 our own


def test_without_data_the_rest_runs(tmp_path: Path) -> None:
    text = printed(tmp_path)
    assert "no recorded outcomes" in text
    assert "has no train/clinc150.csv.gz" in text
    assert "has no texts" in text
    assert "1.00 / 2.00" in text
    assert "import numpy" in text


def test_a_part_alone(tmp_path: Path) -> None:
    text = printed(tmp_path, "cold")
    assert "import numpy" in text
    assert "slope" not in text
    with pytest.raises(Problem, match="no part warm; there are quality"):
        printed(tmp_path, "warm")


def test_baselines_are_trained_once_and_a_failure_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def failing(data: Path) -> None:
        calls.append(data)
        raise Problem("it broke.")

    monkeypatch.setattr(learned, "baselines", failing)
    text = printed(data_folder(tmp_path), "quality", "intents")
    assert len(calls) == 1
    assert text.count("TF-IDF is left out: it broke.") == 1
    assert "length rule" in text


def test_what_was_trained_stands_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Learned({"TF-IDF, ridge": {"quiz": [0.0] * 9}}, {"TF-IDF, logistic regression": ["oos", "oos"]})
    monkeypatch.setattr(learned, "baselines", lambda _: found)
    text = printed(data_folder(tmp_path), "quality", "intents")
    assert "TF-IDF, ridge │ 0.500" in text
    assert "TF-IDF, logistic regression │ 0.0% │ 100.0%" in text
    assert "needs `make train`" not in text


def test_training_is_only_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "transfer", lambda _: {"billing_dispute, banking77": {"recall": 0.8125, "count": 40}})
    assert "billing_dispute, banking77 │ recall 0.8125, count 40" in printed(tmp_path, "transfer", train=True)
    assert "recall" not in printed(tmp_path, "transfer")
    monkeypatch.setattr(learned, "transfer", lambda _: None)
    assert "needs `make train`" in printed(tmp_path, "transfer", train=True)


def test_figures_are_named_by_the_way_to_them() -> None:
    found = learned.flat({"banking77": {"accuracy": 0.9}, "dispute": {"a": {"recall": 1}, "b": {"recall": 0}}})
    assert found == {"banking77": {"accuracy": 0.9}, "dispute, a": {"recall": 1}, "dispute, b": {"recall": 0}}


def test_another_environment_is_asked_and_its_failure_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an interpreter THEN it gets the module, the data and our code; THEN what it prints is what is read."""
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\necho "{\\"dev\\": {\\"a\\": {\\"$3\\": [1]}}, \\"clinc150\\": {\\"b\\": [\\"$2\\"]}}"\n'
    )
    python.chmod(0o755)
    monkeypatch.setattr(learned, "PYTHON", python)
    found = learned.baselines(Path("/the/data"))
    assert found == Learned({"a": {"/the/data": [1]}}, {"b": ["workbench.tagging.baselines"]})
    python.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(Problem, match="exit code 3"):
        learned.baselines(Path("/the/data"))
    with pytest.raises(Problem, match=r"workbench.tagging.transferred failed"):
        learned.transfer(Path("/the/data"))
    monkeypatch.setattr(learned, "PYTHON", tmp_path / "none")
    assert learned.baselines(tmp_path) is None
    assert learned.transfer(tmp_path) is None


def test_the_command_says_what_it_can_do(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["bench", "tagger", "--data", str(tmp_path), "--part", "cold"])
    assert found.exit_code == 0, found.output
    assert "import numpy" in found.output


def test_the_fake_is_as_documented() -> None:
    assert taggers.complexity(FAKE.tag((Turn(True, "x" * 29),))) == "trivial"
