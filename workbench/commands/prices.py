"""`signalbox prices`: regenerates and shows the price table that ships in the layer.

The source is the `genai-prices` package, read here and nowhere else.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer
import yaml
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, StartDateConstraint, TieredPrices

import signalbox.policy
import signalbox.pricing
from signalbox.pricing.table import Rates, load_prices

app = typer.Typer(no_args_is_help=True, help="Prices of the models that the shipped policies name.")

POLICIES = Path(signalbox.policy.__path__[0])
PRICES_FILE = Path(signalbox.pricing.__path__[0]) / "prices.json"
# Our provider names, as genai-prices calls them.
SOURCE_PROVIDERS = {"anthropic": "anthropic", "openai": "openai", "gemini": "google", "bedrock": "aws"}
# Our price names. Audio, images, searches, batch and one-hour caching are not something Signalbox buys.
SOURCE_PRICES = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}


class NotPriced(Exception):
    """The source has no price for a model that a policy names, or one of a kind that we cannot express."""


def policy_files() -> list[Path]:
    return sorted([*POLICIES.glob("*.yaml"), *POLICIES.glob("examples/*.yaml")])


def named_models(files: Iterable[Path]) -> list[tuple[str, str]]:
    """(provider, provider model) of every roster entry, sorted, each once.

    Reads the files plainly: the policy's own loader would ask for the very prices that are missing.
    """
    rosters = (yaml.safe_load(file.read_text("utf-8"))["roster"] for file in files)
    return sorted({(entry["provider"], entry["model"]) for roster in rosters for entry in roster.values()})


def find_model(provider: str, provider_model: str) -> ModelInfo:
    """The source's entry. Raises ``NotPriced``."""
    try:
        _, model = get_snapshot().find_provider_model(provider_model, None, SOURCE_PROVIDERS[provider], None)
    except LookupError as error:
        raise NotPriced(f"genai-prices knows no {provider}/{provider_model}") from error
    return model


def price_document(models: Iterable[tuple[str, str]], today: date) -> dict[str, Any]:
    """What ``prices.json`` holds for ``models`` on ``today``. Raises ``NotPriced``."""
    return {
        "source": f"genai-prices {version('genai-prices')}",
        "generated": today.isoformat(),
        "unit": "USD per million tokens",
        "models": {f"{provider}/{name}": tariffs(find_model(provider, name), today) for provider, name in models},
    }


def tariffs(model: ModelInfo, today: date) -> list[dict[str, Any]]:
    """The prices that hold on ``today`` and those announced to follow, oldest first."""
    dated = list(_dated_prices(model))
    if [since for since, _ in dated] != sorted(since for since, _ in dated):
        raise NotPriced(f"{model.id}: prices out of order")  # ours is the newest that began; the source's, the last
    current = max(index for index, (since, _) in enumerate(dated) if since <= today)
    return [
        {"since": None if since == date.min else since.isoformat(), "bands": bands(model.id, prices)}
        for since, prices in dated[current:]
    ]


def _dated_prices(model: ModelInfo) -> Iterator[tuple[date, ModelPrice]]:
    if isinstance(model.prices, ModelPrice):
        yield date.min, model.prices
        return
    # The source falls back to its first price before any has begun.
    for index, conditional in enumerate(model.prices):
        yield (date.min if index == 0 else _start(model.id, conditional)), conditional.prices


def _start(model_id: str, conditional: ConditionalPrice) -> date:
    if conditional.constraint is None:
        return date.min
    if isinstance(conditional.constraint, StartDateConstraint):
        return conditional.constraint.start_date
    raise NotPriced(f"{model_id}: priced by the hour of the day")


def bands(model_id: str, prices: ModelPrice) -> list[dict[str, Any]]:
    """One set of prices for each stretch of input size, smallest first."""
    found = {ours: price for ours, theirs in SOURCE_PRICES.items() if (price := getattr(prices, theirs)) is not None}
    if not {"input", "output"} <= found.keys():
        raise NotPriced(f"{model_id}: no price per token")
    starts = {tier.start for price in found.values() if isinstance(price, TieredPrices) for tier in price.tiers}
    return [
        {"above_input_tokens": start} | {name: str(_price_above(price, start)) for name, price in found.items()}
        for start in sorted({0} | starts)
    ]


def _price_above(price: Decimal | TieredPrices, start: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    return next((tier.price for tier in reversed(price.tiers) if tier.start <= start), price.base)


@app.command()
def update(
    write: bool = typer.Option(True, "--write/--check", help="Write the file, or only say whether it is up to date."),
) -> None:
    """Regenerate prices.json for the models of every shipped policy."""
    shipped = json.loads(PRICES_FILE.read_text("utf-8")) if PRICES_FILE.exists() else {"models": {}}
    today = datetime.now(UTC).date()
    # A check asks whether the file is what its own day made of the source, so that it cannot age by itself.
    day = today if write else date.fromisoformat(shipped.get("generated", today.isoformat()))
    try:
        document = price_document(named_models(policy_files()), day)
    except NotPriced as error:
        typer.echo(f"No price: {error}", err=True)
        raise typer.Exit(1) from None
    stale = sorted(
        key
        for key in document["models"].keys() | shipped["models"].keys()
        if document["models"].get(key) != shipped["models"].get(key)
    )
    for key in stale:
        typer.echo(f"{'updated' if write else 'out of date'}: {key}")
    if write:
        PRICES_FILE.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        typer.echo(f"{len(document['models'])} models priced from {document['source']}")
    elif stale:
        typer.echo("Run `signalbox prices update`.", err=True)
        raise typer.Exit(1)


@app.command()
def show() -> None:
    """Print the shipped prices, in USD per million tokens."""
    prices = load_prices()
    typer.echo(f"{prices.source}, generated {prices.generated}; USD per million tokens\n")
    typer.echo(f"{'model':44}{'from':12}{'input above':>12}{'input':>9}{'cached':>9}{'write':>9}{'output':>9}")
    for key in prices:
        for tariff in prices.tariffs[key]:
            for rates in tariff.bands:
                typer.echo(f"{key:44}{tariff.since or ''!s:12}{_row(rates)}")


def _row(rates: Rates) -> str:
    figures = (rates.input, rates.cached_input, rates.cache_write, rates.output)
    return f"{rates.above_input_tokens:>12,}" + "".join(f"{figure:>9}" for figure in figures)
