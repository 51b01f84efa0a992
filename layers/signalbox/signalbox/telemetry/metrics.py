"""Writes metrics as one Embedded Metric Format line, which CloudWatch picks out of the log."""

from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Signalbox"


def emit(
    service: str, dimensions: Mapping[str, str], values: Mapping[str, float | int], metadata: Mapping[str, str]
) -> None:
    """Print one EMF blob to standard output.

    Every distinct set of ``dimensions`` is billed as a metric of its own, so they must be few;
    ``service`` is one more of them, so that router and adapter are told apart. ``metadata`` is
    only searchable. Names that end in ``_ms`` are milliseconds, the rest are counts.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE, service=service)
    for name, dimension in dimensions.items():
        metrics.add_dimension(name=name, value=dimension)
    for name, value in values.items():
        unit = MetricUnit.Milliseconds if name.endswith("_ms") else MetricUnit.Count
        metrics.add_metric(name=name, unit=unit, value=value)
    for name, text in metadata.items():
        metrics.add_metadata(key=name, value=text)
    metrics.flush_metrics()
