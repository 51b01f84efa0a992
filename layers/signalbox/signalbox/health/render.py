"""The models' health as JSON, for ``GET /v1/health``. Anybody may ask, so it has no figures. Pure."""

from datetime import UTC, datetime
from typing import Any

from signalbox.contracts.runtime import ModelState, Runtime
from signalbox.policy.resolved import Policy, RosterModel

STATES = {"closed": "ok", "cooling": "cooling", "probing": "probing"}


def as_json(policy: Policy, runtime: Runtime, now: datetime) -> dict[str, Any]:
    """``degraded``: a role has no model that may be asked now."""
    able = all(any(_able(one, runtime, now) for one in role.candidates) for role in policy.roles.values())
    return {
        "status": "ok" if able else "degraded",
        "policy_version": policy.version,
        "models": {name: _model(runtime.of(name)) for name in policy.roster},
    }


def _able(model: RosterModel, runtime: Runtime, now: datetime) -> bool:
    retired = model.retires is not None and now.date() >= model.retires
    return not retired and runtime.of(model.id).circuit != "cooling"


def _model(state: ModelState) -> dict[str, str | None]:
    until = state.shut_until_ms
    shown = None if until is None else datetime.fromtimestamp(until / 1_000, UTC).isoformat(timespec="milliseconds")
    return {"state": STATES[state.circuit], "until": shown}
