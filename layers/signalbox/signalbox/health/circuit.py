"""When a model is left alone, who may try it again, and how many calls it takes at a time. Pure.

Errors over the policy's rate shut it for ``cooling_s``; then a single request, the probe, may try. A probe that fails
shuts it for twice as long, one that works opens it, and the averages of errors start afresh.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from signalbox.contracts.runtime import ModelState
from signalbox.health.averages import NOTHING, Averages, Sums, averages, joined
from signalbox.health.outcomes import Kind
from signalbox.policy.resolved import Gate, HealthRules

# Longer than any request may run: a prober that is silent for so long has died.
PROBE_LEASE_MS = 30_000
# A burst's throttles are one signal, and so is a second of successes.
PACE_MS = 1_000


@dataclass(frozen=True)
class Circuit:
    """What is on record of one model. Times are Unix milliseconds, 0 for never.

    ``openings`` in a row without a probe that worked. Weight and errors up to ``base_epoch`` and within it up to the
    two bases do not count: they are of before it came back. ``called_in`` is the epoch of its latest attempt.
    ``admitted`` 0: no throttle yet.
    """

    version: int = 0
    openings: int = 0
    cooling_until_ms: int = 0
    retry_after_until_ms: int = 0
    probe_until_ms: int = 0
    base_epoch: int = -1
    base_weight: int | float = 0
    base_errors: int | float = 0
    called_in: int = -1
    admitted: int = 0
    halved_at_ms: int = 0
    raised_at_ms: int = 0

    @property
    def shut_until_ms(self) -> int:
        return max(self.cooling_until_ms, self.retry_after_until_ms)

    def as_item(self) -> dict[str, Any]:
        return asdict(self)


_FIELDS = tuple(field.name for field in fields(Circuit))
NEVER_CALLED = Circuit()


def from_item(item: dict[str, Any] | None) -> Circuit:
    return Circuit(**{name: item[name] for name in _FIELDS if name in item}) if item else NEVER_CALLED


@dataclass(frozen=True)
class Known:
    """A model's circuit and the sums of its latest two epochs."""

    epoch: int
    circuit: Circuit = NEVER_CALLED
    current: Sums = NOTHING
    previous: Sums = NOTHING

    def since_it_came_back(self) -> "Known":
        """Without the weight and errors of before its last successful probe."""
        base = self.circuit
        if base.base_epoch == self.epoch:
            return replace(self, current=_less(self.current, base), previous=NOTHING)
        if base.base_epoch == self.epoch - 1:
            return replace(self, previous=_less(self.previous, base))
        return self

    def averages(self, rules: HealthRules, now_ms: int) -> Averages:
        return averages(joined(self.current, self.previous), now_ms, rules.half_life_s)

    def moved_to(self, epoch: int) -> "Known":
        """The same as it is known in ``epoch``, whose own sums have not been read."""
        if epoch == self.epoch:
            return self
        previous = self.current if epoch == self.epoch + 1 else NOTHING
        return Known(epoch, self.circuit, NOTHING, previous)


def _less(sums: Sums, base: Circuit) -> Sums:
    return replace(sums, weight=max(0, sums.weight - base.base_weight), errors=max(0, sums.errors - base.base_errors))


def state(known: Known, rules: HealthRules, gate: Gate | None, now_ms: int) -> ModelState:
    """What the decision sees."""
    ever, lately = known.averages(rules, now_ms), known.since_it_came_back().averages(rules, now_ms)
    circuit = known.circuit
    shut = now_ms < circuit.shut_until_ms
    shut_by: Literal["errors", "retry_after"] | None = None
    if shut:
        shut_by = "errors" if circuit.cooling_until_ms >= circuit.retry_after_until_ms else "retry_after"
    return ModelState(
        circuit="cooling" if shut else "probing" if circuit.openings else "closed",
        shut_until_ms=circuit.shut_until_ms if shut else None,
        shut_by=shut_by,
        attempts=lately.attempts,
        error_rate=lately.error_rate,
        latency_ms=ever.latency_ms,
        token_ratio=ever.token_ratio,
        admitted=admitted(circuit, gate) if gate else None,
    )


def admitted(circuit: Circuit, gate: Gate) -> int:
    """Begins at the most: the real gate is the model's reserved concurrency, and its first throttle halves this.
    Beginning low would turn callers away for want of a measurement, and cost a write a second to rise."""
    return min(max(circuit.admitted, gate.least), gate.most) if circuit.admitted else gate.most


def probe_taken(circuit: Circuit, now_ms: int) -> Circuit | None:
    """With the one place for a probe taken; None when it is not to be had."""
    if not circuit.openings or now_ms < max(circuit.shut_until_ms, circuit.probe_until_ms):
        return None
    return replace(circuit, probe_until_ms=now_ms + PROBE_LEASE_MS)


@dataclass(frozen=True)
class Attempt:
    """What came of one call. ``wait_ms`` is the provider's Retry-After."""

    kind: Kind
    probe: bool
    wait_ms: int | None = None

    @property
    def failed(self) -> bool:
        return self.kind is Kind.ILL or (self.kind is Kind.THROTTLED and not self.wait_ms)


def after(known: Known, attempt: Attempt, rules: HealthRules, gate: Gate | None, now_ms: int) -> Circuit:
    """The circuit after ``attempt``, whose sums ``known`` has already; equal to before where nothing changes."""
    circuit = known.circuit
    if attempt.kind not in (Kind.GATE, Kind.NOTHING) and circuit.called_in < known.epoch:
        circuit = replace(circuit, called_in=known.epoch)
    if attempt.probe:
        circuit = _probed(circuit, known, attempt, rules, now_ms)
    elif attempt.failed:
        circuit = _opened(circuit, known, rules, now_ms)
    if attempt.wait_ms:
        until_ms = now_ms + min(attempt.wait_ms, rules.longest_cooling_s * 1_000)
        circuit = replace(circuit, retry_after_until_ms=max(circuit.retry_after_until_ms, until_ms))
    return _admitting(circuit, attempt.kind, gate, now_ms) if gate else circuit


def _opened(circuit: Circuit, known: Known, rules: HealthRules, now_ms: int) -> Circuit:
    """Shut, once there are enough errors. Only a probe has a say while it is shut already."""
    if circuit.openings:
        return circuit
    lately = known.since_it_came_back().averages(rules, now_ms)
    # Rounded, as attempts fade while they are counted.
    if round(lately.attempts) < rules.least_attempts or (lately.error_rate or 0) < rules.error_rate:
        return circuit
    return replace(circuit, openings=1, cooling_until_ms=now_ms + cooling_ms(1, rules))


def _probed(circuit: Circuit, known: Known, attempt: Attempt, rules: HealthRules, now_ms: int) -> Circuit:
    if not circuit.openings or now_ms < circuit.cooling_until_ms:
        return circuit  # another probe, begun when this one seemed dead, was first
    freed = replace(circuit, probe_until_ms=0)
    if attempt.kind is Kind.WELL:
        sums = known.current
        return replace(freed, openings=0, base_epoch=known.epoch, base_weight=sums.weight, base_errors=sums.errors)
    if attempt.failed:
        openings = circuit.openings + 1
        return replace(freed, openings=openings, cooling_until_ms=now_ms + cooling_ms(openings, rules))
    return freed  # it was not heard: the next one may try


def cooling_ms(openings: int, rules: HealthRules) -> int:
    """Doubled with every opening in a row, up to the longest."""
    doubled_s = rules.cooling_s << min(openings - 1, 32)
    return min(doubled_s, rules.longest_cooling_s) * 1_000


def _admitting(circuit: Circuit, kind: Kind, gate: Gate, now_ms: int) -> Circuit:
    """Additive increase after a second of successes, multiplicative decrease at most once a second."""
    now_admitted = admitted(circuit, gate)
    since_halved = now_ms - circuit.halved_at_ms
    if kind in (Kind.GATE, Kind.THROTTLED) and since_halved >= PACE_MS:
        return replace(circuit, admitted=max(gate.least, now_admitted // 2), halved_at_ms=now_ms)
    rested = min(since_halved, now_ms - circuit.raised_at_ms) >= PACE_MS
    if kind is Kind.WELL and now_admitted < gate.most and rested:
        return replace(circuit, admitted=now_admitted + 1, raised_at_ms=now_ms)
    return circuit
