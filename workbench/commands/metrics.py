"""``signalbox metrics``: reads what the stack measured back from CloudWatch, local or on AWS."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from workbench.problem import Problem
from workbench.stack import Stack, StackNotFound

app = typer.Typer()

NAMESPACE = "Signalbox"
STATISTICS = ("SampleCount", "Sum", "Average", "Maximum")
QUERIES_PER_CALL = 500


@dataclass(frozen=True)
class Series:
    """One metric under one set of dimensions, over the time asked about; values in the metric's own unit."""

    name: str
    dimensions: dict[str, str]
    statistics: dict[str, float]


@app.command()
def metrics(
    hours: Annotated[float, typer.Option(min=0.1, help="How far to look back.")] = 3,
    name: Annotated[str | None, typer.Option(help="One metric only, such as latency_ms.")] = None,
    stack_name: Annotated[str | None, typer.Option("--stack", help="Stack name; the local stack without one.")] = None,
    endpoint_url: Annotated[str | None, typer.Option("--endpoint-url", help="AWS endpoint, for a local stack.")] = None,
) -> None:
    """Show every metric of Signalbox: how often, sum, mean and maximum, by service, route, model and outcome."""
    try:
        found = read(Stack.find(stack_name, endpoint_url), timedelta(hours=hours), name)
    except (StackNotFound, ClientError, BotoCoreError) as error:
        raise Problem(str(error)) from None
    if not found:
        typer.echo(f"No metrics in the last {hours:g} hours. CloudWatch may take a minute.")
        return
    table = Table("metric", "service", "route", "model", "outcome", *STATISTICS, box=None, pad_edge=False)
    for series in found:
        words = [series.dimensions.get(key, "-") for key in ("service", "route", "model", "outcome")]
        table.add_row(series.name, *words, *(f"{series.statistics[one]:,.6g}" for one in STATISTICS))
    Console(width=None if Console().is_terminal else 160).print(table)


def read(stack: Stack, span: timedelta, name: str | None = None) -> list[Series]:
    """Every series of the namespace that has values within ``span`` before now, by name and dimensions."""
    cloudwatch = stack.client("cloudwatch")
    wanted = {"Namespace": NAMESPACE} | ({"MetricName": name} if name else {})
    listed = [
        metric for page in cloudwatch.get_paginator("list_metrics").paginate(**wanted) for metric in page["Metrics"]
    ]
    series = [one for some in _batches(listed) for one in _values(cloudwatch, some, span)]
    return sorted(series, key=lambda one: (one.name, sorted(one.dimensions.items())))


def _batches(listed: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    size = QUERIES_PER_CALL // len(STATISTICS)
    for start in range(0, len(listed), size):
        yield listed[start : start + size]


def _values(cloudwatch: Any, listed: Sequence[dict[str, Any]], span: timedelta) -> Iterator[Series]:
    now = datetime.now(UTC)
    # One period over all of the span; CloudWatch wants whole minutes.
    period_s = max(60, int(span.total_seconds()) // 60 * 60)
    queries = [
        {
            "Id": f"m{index}_{statistic.lower()}",
            "MetricStat": {"Metric": metric, "Period": period_s, "Stat": statistic},
        }
        for index, metric in enumerate(listed)
        for statistic in STATISTICS
    ]
    values: dict[str, list[float]] = {}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=now - span, EndTime=now + timedelta(minutes=1)
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            values.setdefault(result["Id"], []).extend(result["Values"])
    for index, metric in enumerate(listed):
        found = {one: values.get(f"m{index}_{one.lower()}", []) for one in STATISTICS}
        if any(found.values()):
            dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            yield Series(metric["MetricName"], dimensions, _joined(found))


def _joined(found: dict[str, list[float]]) -> dict[str, float]:
    """Statistics over periods put together: the span may touch two."""
    count, total = sum(found["SampleCount"]), sum(found["Sum"])
    return {
        "SampleCount": count,
        "Sum": total,
        "Average": total / count if count else 0.0,
        "Maximum": max(found["Maximum"]),
    }
