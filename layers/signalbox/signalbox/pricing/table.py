"""What a call costs, from the shipped ``prices.json``.

The file is generated (``signalbox prices update``) for the models that the shipped policies
name, keyed ``provider/provider_model``. A price in USD per million tokens is the same number
in micro-dollars per token, so a cost is one sum of products, rounded up once.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from signalbox.contracts.adapters import Usage


class UnknownPrice(LookupError):
    """Nobody told us what this model costs. Never read as free."""

    def __init__(self, provider: str, provider_model: str) -> None:
        super().__init__(f"no price for {provider}/{provider_model}; run `signalbox prices update --write`")
        self.provider = provider
        self.provider_model = provider_model


@dataclass(frozen=True)
class Rates:
    """Micro-dollars per token for requests of more than ``above_input_tokens`` tokens of input.

    The band a request falls in prices all of its tokens, output included. Without a price of
    their own, cached and cache-writing tokens cost what other input does.
    """

    above_input_tokens: int
    input: Decimal
    output: Decimal
    cached_input: Decimal
    cache_write: Decimal

    @property
    def dearest_input(self) -> Decimal:
        return max(self.input, self.cached_input, self.cache_write)


@dataclass(frozen=True)
class Tariff:
    """The bands that hold from the UTC date ``since`` on (None: always), lowest band first."""

    since: date | None
    bands: tuple[Rates, ...]

    def reachable(self, input_tokens: int) -> tuple[Rates, ...]:
        """Every band that a request of at most so many input tokens may fall in. Never empty."""
        return self.bands[:1] + tuple(band for band in self.bands[1:] if band.above_input_tokens < input_tokens)


def _utc_today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class PriceTable:
    """Prices by ``provider/provider_model``; ``today`` picks among tariffs with a start date.

    Every lookup raises ``UnknownPrice`` for a model that is not in the table.
    """

    tariffs: Mapping[str, tuple[Tariff, ...]]
    source: str = ""
    generated: str = ""
    today: Callable[[], date] = _utc_today

    def __iter__(self) -> Iterator[str]:
        return iter(self.tariffs)

    def at(self, day: date) -> "PriceTable":
        """The same prices as they stand on one day."""
        return replace(self, today=lambda: day)

    def has(self, provider: str, provider_model: str) -> bool:
        return f"{provider}/{provider_model}" in self.tariffs

    def cost_microusd(self, provider: str, provider_model: str, usage: Usage) -> int:
        """What the provider bills for ``usage``, in micro-dollars, rounded up once.

        Raises ``ValueError`` when cached and cache-writing tokens exceed the input they are part of.
        """
        plain_tokens = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
        if plain_tokens < 0:
            raise ValueError("cached_input_tokens and cache_write_tokens exceed input_tokens")
        rates = self._tariff(provider, provider_model).reachable(usage.input_tokens)[-1]
        return _round_up(
            plain_tokens * rates.input
            + usage.cached_input_tokens * rates.cached_input
            + usage.cache_write_tokens * rates.cache_write
            + usage.output_tokens * rates.output
        )

    def worst_cost_microusd(self, provider: str, provider_model: str, input_tokens: int, max_output_tokens: int) -> int:
        """The most that a call within these bounds can cost, in micro-dollars.

        All input is taken at its dearest (a cache write, where that costs extra).
        """
        bands = self._tariff(provider, provider_model).reachable(input_tokens)
        return _round_up(max(input_tokens * rates.dearest_input + max_output_tokens * rates.output for rates in bands))

    def _tariff(self, provider: str, provider_model: str) -> Tariff:
        tariffs = self.tariffs.get(f"{provider}/{provider_model}")
        if tariffs is None:
            raise UnknownPrice(provider, provider_model)
        if len(tariffs) == 1:
            return tariffs[0]
        today = self.today()
        started = [tariff for tariff in tariffs if tariff.since is None or tariff.since <= today]
        return started[-1] if started else tariffs[0]


def _round_up(microusd: Decimal) -> int:
    return int(microusd.to_integral_value(ROUND_CEILING))


def parse_prices(document: Mapping[str, Any]) -> PriceTable:
    """The table that a ``prices.json`` document describes. Raises ``KeyError`` or ``ArithmeticError`` if malformed."""
    return PriceTable(
        tariffs={key: tuple(map(_parse_tariff, tariffs)) for key, tariffs in document["models"].items()},
        source=document["source"],
        generated=document["generated"],
    )


def _parse_tariff(tariff: Mapping[str, Any]) -> Tariff:
    since = tariff.get("since")
    return Tariff(date.fromisoformat(since) if since else None, tuple(map(_parse_band, tariff["bands"])))


def _parse_band(band: Mapping[str, Any]) -> Rates:
    input_price = Decimal(band["input"])
    return Rates(
        above_input_tokens=band["above_input_tokens"],
        input=input_price,
        output=Decimal(band["output"]),
        cached_input=Decimal(band.get("cached_input", input_price)),
        cache_write=Decimal(band.get("cache_write", input_price)),
    )


@cache
def load_prices() -> PriceTable:
    """The shipped table, read when first asked for."""
    return parse_prices(json.loads((files(__package__) / "prices.json").read_text("utf-8")))
