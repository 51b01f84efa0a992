"""The price table: never below what the source says, never zero for the unknown."""

from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Usage as SourceUsage
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.adapters import Usage
from signalbox.pricing.table import UnknownPrice, load_prices, parse_prices
from workbench.commands.prices import SOURCE_PROVIDERS

pytestmark = pytest.mark.row("E7")

PRICES = load_prices()
KEYS = [(provider, model) for key in PRICES for provider, model in [key.split("/", 1)]]
models = st.sampled_from(KEYS)
tokens = st.integers(0, 1_200_000) | st.sampled_from([99_999, 100_000, 100_001, 272_000, 272_001])
# Where a dated price begins, on both sides, and beyond.
days = st.sampled_from(
    [date(2026, 11, 21), date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 31), date(2027, 6, 1)]
)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    input_tokens = draw(tokens)
    cached = draw(st.integers(0, input_tokens))
    return Usage(
        input_tokens=input_tokens,
        cached_input_tokens=cached,
        cache_write_tokens=draw(st.integers(0, input_tokens - cached)),
        output_tokens=draw(st.integers(0, 200_000)),
    )


def source_microusd(provider: str, model: str, usage: Usage, day: date) -> int:
    """What genai-prices itself says, rounded up to micro-dollars."""
    source, info = get_snapshot().find_provider_model(model, None, SOURCE_PROVIDERS[provider], None)
    price = info.calc_price(
        SourceUsage(
            input_tokens=usage.input_tokens,
            cache_read_tokens=usage.cached_input_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
        ),
        source,
        genai_request_timestamp=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
    )
    return int((price.total_price * 1_000_000).to_integral_value(ROUND_CEILING))


@given(model=models, usage=usages(), day=days)
def test_agrees_with_the_source_to_the_micro_dollar(model: tuple[str, str], usage: Usage, day: date) -> None:
    assert PRICES.at(day).cost_microusd(*model, usage) == source_microusd(*model, usage, day)


@given(model=models, usage=usages(), spare_input=st.integers(0, 300_000), spare_output=st.integers(0, 100), day=days)
def test_worst_cost_is_never_passed(
    model: tuple[str, str], usage: Usage, spare_input: int, spare_output: int, day: date
) -> None:
    prices = PRICES.at(day)
    worst = prices.worst_cost_microusd(*model, usage.input_tokens + spare_input, usage.output_tokens + spare_output)
    assert prices.cost_microusd(*model, usage) <= worst


@given(model=models, usage=usages(), more=st.integers(0, 300_000))
def test_more_tokens_never_cost_less(model: tuple[str, str], usage: Usage, more: int) -> None:
    cost = PRICES.cost_microusd(*model, usage)
    for field in ("input_tokens", "output_tokens"):
        larger = usage.model_copy(update={field: getattr(usage, field) + more})
        assert PRICES.cost_microusd(*model, larger) >= cost


@given(model=models, usage=usages())
def test_reasoning_is_part_of_output_and_not_billed_twice(model: tuple[str, str], usage: Usage) -> None:
    thinking = usage.model_copy(update={"reasoning_tokens": usage.output_tokens})
    assert PRICES.cost_microusd(*model, thinking) == PRICES.cost_microusd(*model, usage)


@given(provider=st.text(), model=st.text())
def test_an_unknown_price_raises_and_is_never_zero(provider: str, model: str) -> None:
    assert not PRICES.has(provider, model)
    with pytest.raises(UnknownPrice):
        PRICES.cost_microusd(provider, model, Usage())
    with pytest.raises(UnknownPrice):
        PRICES.worst_cost_microusd(provider, model, 0, 0)


def table(**band: str) -> Any:
    bands = [{"above_input_tokens": 0, **band}]
    return parse_prices({"source": "", "generated": "", "models": {"p/m": [{"since": None, "bands": bands}]}})


def test_rounds_up_once_per_call_and_not_per_price() -> None:
    # 0.4 + 0.4 micro-dollars are one, not two
    assert table(input="0.4", output="0.4").cost_microusd("p", "m", Usage(input_tokens=1, output_tokens=1)) == 1


def test_a_missing_cache_price_is_the_input_price() -> None:
    usage = Usage(input_tokens=10, cached_input_tokens=4, cache_write_tokens=5)
    assert table(input="2", output="9").cost_microusd("p", "m", usage) == 20
    assert table(input="2", output="9", cached_input="1").cost_microusd("p", "m", usage) == 16
    assert table(input="2", output="9", cached_input="1", cache_write="3").cost_microusd("p", "m", usage) == 21


def test_worst_cost_looks_at_every_band_within_reach() -> None:
    """GIVEN a longer request that is cheaper by the token THEN the worst case is still the dear short one."""
    bands = [
        {"above_input_tokens": 0, "input": "10", "output": "10"},
        {"above_input_tokens": 100, "input": "1", "output": "1"},
    ]
    prices = parse_prices({"source": "", "generated": "", "models": {"p/m": [{"since": None, "bands": bands}]}})
    short = Usage(input_tokens=100, output_tokens=5)
    assert prices.cost_microusd("p", "m", short) == 1050
    assert prices.worst_cost_microusd("p", "m", 101, 5) >= 1050


def test_usage_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="exceed input_tokens"):
        PRICES.cost_microusd(*KEYS[0], Usage(input_tokens=1, cached_input_tokens=1, cache_write_tokens=1))


def test_prices_are_exact_decimals() -> None:
    rates = [rates for tariffs in PRICES.tariffs.values() for tariff in tariffs for rates in tariff.bands]
    assert all(isinstance(price, Decimal) and price > 0 for rate in rates for price in (rate.input, rate.output))
