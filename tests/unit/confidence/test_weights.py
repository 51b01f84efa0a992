"""The shipped numbers: whole, explained, and refused when damaged."""

import json
from importlib.resources import files
from typing import Any

import pytest
from pydantic import ValidationError

from signalbox.confidence import weights as module
from signalbox.confidence.estimate import SIGNALS
from signalbox.confidence.weights import Weights, load_weights
from signalbox.contracts.evidence import Evidence

TEXT = (files("signalbox.confidence") / "confidence.json").read_text("utf-8")


def changed(**at: Any) -> str:
    document = json.loads(TEXT)
    for path, new in at.items():
        *parents, last = path.split("__")
        inner = document
        for parent in parents:
            inner = inner[parent]
        inner[last] = new
    return json.dumps(document)


def test_each_weight_says_where_it_is_from_and_why() -> None:
    shipped = load_weights()
    assert (shipped.prior.intercept_origin, shipped.prior.slope_origin) == ("declared", "declared")
    assert len(shipped.prior.why) > 40
    for name in SIGNALS:
        ramp = getattr(shipped.signals, name)
        assert ramp.origin == "declared"  # nothing recorded could fit it
        assert len(ramp.why) > 40
        assert ramp.missing < 0
    assert set(SIGNALS) < set(Evidence.model_fields)


def test_a_prior_that_is_calibrated_is_taken_at_its_word() -> None:
    """The tagger's p_fast is a probability already: an intercept would discount it a second time."""
    prior = load_weights().prior
    assert (prior.intercept, prior.slope) == (0, 1)


def test_it_is_read_once() -> None:
    assert load_weights() is load_weights()


@pytest.mark.parametrize(
    "damaged",
    [
        TEXT[: len(TEXT) // 2],
        "",
        "{}",
        changed(unheard=1),
        changed(signals__self_check__missing=0.1),  # what is missing would speak for the reply
        changed(signals__self_check__at_worst=5),  # a no would speak for the reply
        changed(signals__mean_entropy__best=2.0),  # a ramp without a length
        changed(signals__agreement__at_best=-0.1),
        changed(signals__agreement__at_best=float("nan")),
        changed(signals__agreement__at_best=float("inf")),
        changed(prior__slope=-1),
        changed(hedges__each=1),
        changed(ceiling__value=0.9),
    ],
)
def test_a_damaged_file_is_an_error(damaged: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "confidence.json").write_text(damaged)
    monkeypatch.setattr(module, "files", lambda package: tmp_path)
    load_weights.cache_clear()
    try:
        with pytest.raises(ValueError):
            load_weights()
    finally:
        load_weights.cache_clear()


def test_an_error_is_pydantics() -> None:
    with pytest.raises(ValidationError):
        Weights.model_validate_json("{}")
