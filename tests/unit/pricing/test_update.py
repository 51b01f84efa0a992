"""prices.json is what the generator makes of the shipped policies."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TimeOfDateConstraint,
)
from typer.testing import CliRunner

from signalbox.pricing.table import load_prices, parse_prices
from workbench.commands import prices
from workbench.commands.prices import NotPriced, app, named_models, policy_files, price_document, tariffs

TODAY = date(2026, 11, 21)


def model(*dated: ConditionalPrice) -> ModelInfo:
    return ModelInfo(id="m", match=ClauseEquals("m"), prices=list(dated))


def since(day: date | None, input_price: str) -> ConditionalPrice:
    return ConditionalPrice(
        StartDateConstraint(day) if day else None,
        prices=ModelPrice(input_mtok=Decimal(input_price), output_mtok=Decimal(1)),
    )


def test_every_model_that_a_shipped_policy_names_has_a_price_and_no_other() -> None:
    assert set(load_prices()) == {f"{provider}/{name}" for provider, name in named_models(policy_files())}


def test_the_shipped_file_is_what_the_generator_makes_of_its_day() -> None:
    shipped = load_prices()
    again = price_document(named_models(policy_files()), date.fromisoformat(shipped.generated))
    assert parse_prices(again) == shipped


def test_a_price_that_ended_is_dropped_and_one_announced_is_kept() -> None:
    dated = model(since(None, "1"), since(date(2026, 1, 1), "2"), since(date(2027, 1, 1), "3"))
    assert [(tariff["since"], tariff["bands"][0]["input"]) for tariff in tariffs(dated, TODAY)] == [
        ("2026-01-01", "2"),
        ("2027-01-01", "3"),
    ]


def test_prices_that_cannot_be_expressed_are_refused() -> None:
    by_hour = ConditionalPrice(
        TimeOfDateConstraint(datetime(2026, 1, 1, 1).time(), datetime(2026, 1, 1, 2).time()),
        prices=ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1)),
    )
    with pytest.raises(NotPriced, match="hour of the day"):
        tariffs(model(since(None, "1"), by_hour), TODAY)
    with pytest.raises(NotPriced, match="out of order"):
        tariffs(model(since(None, "1"), since(date(2027, 1, 1), "2"), since(date(2026, 1, 1), "3")), TODAY)
    with pytest.raises(NotPriced, match="no price per token"):
        tariffs(ModelInfo(id="m", match=ClauseEquals("m"), prices=ModelPrice(input_mtok=Decimal(1))), TODAY)
    with pytest.raises(NotPriced, match="knows no anthropic/nothing"):
        price_document([("anthropic", "nothing")], TODAY)


def test_check_fails_on_a_stale_file_and_write_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = tmp_path / "prices.json"
    stale.write_text('{"models": {"openai/gone": []}}')
    monkeypatch.setattr(prices, "PRICES_FILE", stale)
    run = CliRunner().invoke
    assert (checked := run(app, ["update", "--check"])).exit_code == 1
    assert "out of date: openai/gone" in checked.output
    assert run(app, ["update", "--write"]).exit_code == 0
    assert run(app, ["update", "--check"]).exit_code == 0
    assert "openai/gone" not in stale.read_text()


def test_show_prints_every_model() -> None:
    shown = CliRunner().invoke(app, ["show"])
    assert shown.exit_code == 0
    assert all(key in shown.output for key in load_prices())
