"""A plan's end as metrics: how it was resolved, how sure it was, what it cost and how long it took."""

from signalbox.contracts.plans import Conclusion, Progress
from signalbox.telemetry.metrics import emit


def record(progress: Progress, conclusion: Conclusion, latency_ms: int) -> None:
    """One line of metrics; never a word of anybody's."""
    job = progress.job
    dimensions = {
        "route": job.decision.route,
        "plan": job.plan,
        "resolution": conclusion.resolution or (conclusion.failure.code if conclusion.failure else "none"),
    }
    values: dict[str, float | int] = {
        "plans": 1,
        "latency_ms": latency_ms,
        "cost_microusd": conclusion.cost_microusd,
        "steps": len(progress.results),
    }
    emit("cascade", dimensions, values, {"caller": job.request.caller, "request_id": job.request.request_id})
