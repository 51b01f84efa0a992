"""The health of the models in DynamoDB's Counters: what every process of the router learns, all know in a second.

An attempt is one write that adds to its model's averages; a second one, on condition that nobody was faster, only
where it changes the circuit. A store that is down or slow costs a request at most ``LIMIT_MS``, and no reply.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from aws_lambda_powertools import Logger

from signalbox.contracts.adapters import AdapterResult
from signalbox.contracts.decisions import Decision, Hop
from signalbox.contracts.runtime import Runtime
from signalbox.execution.ports import Clock
from signalbox.health import averages, circuit
from signalbox.health.averages import HALF_LIVES_PER_EPOCH, SUMS, Sample, Sums
from signalbox.health.circuit import Attempt, Circuit, Known
from signalbox.health.outcomes import asked_to_wait_ms, kind_of, sample
from signalbox.policy.resolved import Gate, HealthRules
from signalbox.transport.dynamodb import MOST_GETS, ConditionFailed, DynamoDB
from signalbox.transport.within import within

T = TypeVar("T")
Key = dict[str, Any]

CIRCUIT = "health#circuit"
FRESH_MS = 1_000
LIMIT_MS = 500
# After the store failed, nobody asks it for so long.
BLIND_MS = 1_000
KEPT_S = 30 * 86_400
# Of writers of one circuit at the same time; each of the others has changed it meanwhile.
TRIES = 5

logger = Logger(child=True)


@dataclass(frozen=True)
class _Seen:
    read_at_ms: int
    known: Known


class DynamoHealth:
    """See ``Health``. ``gates`` by roster id."""

    def __init__(
        self, dynamodb: DynamoDB, table: str, rules: HealthRules, gates: Mapping[str, Gate], clock: Clock
    ) -> None:
        self.dynamodb, self.table, self.rules, self.gates, self.clock = dynamodb, table, rules, gates, clock
        self._seen: dict[str, _Seen] = {}
        self._past: dict[tuple[str, int], Sums] = {}  # of epochs that are over
        self._blind_until_ms = 0

    def read(self, models: Iterable[str]) -> Runtime:
        wanted, now_ms = tuple(models), self.clock.now_ms()
        stale = [one for one in wanted if one not in self._seen or now_ms - self._seen[one].read_at_ms > FRESH_MS]
        if stale and not self._asked(lambda: self._read(stale, now_ms), False):
            return Runtime()
        states = {
            one: circuit.state(self._known(one, now_ms), self.rules, self.gates.get(one), now_ms) for one in wanted
        }
        return Runtime(models=states)

    def enter(self, hop: Hop) -> bool:
        return not hop.probe or self._asked(lambda: self._probe_taken(hop.model, self.clock.now_ms()), True)

    def report(self, hop: Hop, decision: Decision, result: AdapterResult, latency_ms: int) -> None:
        self._asked(lambda: self._report(hop, decision, result, latency_ms), None)

    def _asked(self, work: Callable[[], T], otherwise: T) -> T:
        """What ``work`` gives; ``otherwise`` when the store does not answer in time."""
        if self.clock.now_ms() < self._blind_until_ms:
            return otherwise
        try:
            return within(LIMIT_MS, work)
        except Exception as error:  # noqa: BLE001 - whatever is wrong here, the request goes on
            self._blind_until_ms = self.clock.now_ms() + BLIND_MS
            logger.warning("the models' health is unknown", extra={"error.type": type(error).__name__})
            return otherwise

    # -- reading ------------------------------------------------------------------------------

    def _read(self, models: Sequence[str], now_ms: int) -> bool:
        epoch = self._epoch(now_ms)
        windows = (CIRCUIT, self._window(epoch), self._window(epoch - 1))
        found = self._items([_key(model, window) for model in models for window in windows])
        circuits = {model: circuit.from_item(found.get((model, CIRCUIT))) for model in models}
        idle = {
            model: one.called_in
            for model, one in circuits.items()
            if 0 <= one.called_in < epoch - 1 and not any((model, window) in found for window in windows[1:])
        }
        past = self._of_the_past(idle) if idle else {}
        for model in models:
            current, previous = (averages.from_item(found.get((model, window))) for window in windows[1:])
            known = Known(epoch, circuits[model], current, past.get(model, previous))
            self._remember(model, known, now_ms)
        return True

    def _of_the_past(self, idle: Mapping[str, int]) -> dict[str, Sums]:
        """The sums of the epochs that models were last called in, as if of the last epoch: no weight to speak of
        is left of them, but their ratios. Read once per process, as they never change."""
        missing = [(model, epoch) for model, epoch in idle.items() if (model, epoch) not in self._past]
        found = self._items([_key(model, self._window(epoch)) for model, epoch in missing])
        for model, epoch in missing:
            sums = averages.from_item(found.get((model, self._window(epoch))))
            self._past[model, epoch] = sums.times(2.0**-HALF_LIVES_PER_EPOCH)
        return {model: self._past[model, epoch] for model, epoch in idle.items()}

    def _items(self, keys: Sequence[Key]) -> dict[tuple[str, str], dict[str, Any]]:
        """By roster id and window, in as few reads as it takes: one for up to 33 models."""
        items = [
            item
            for start in range(0, len(keys), MOST_GETS)
            for item in self.dynamodb.batch_get(self.table, keys[start : start + MOST_GETS], consistent=True)
        ]
        return {(item["counter"].partition("#")[2], item["window"]): item for item in items}

    # -- writing ------------------------------------------------------------------------------

    def _probe_taken(self, model: str, now_ms: int) -> bool:
        """Also where the model has come back to all in the meantime. What this process has just read is believed
        without asking, so that a burst on a model that is being tried costs nothing."""
        seen = self._looked_up(model, now_ms).circuit
        now, taken = self._changed(model, seen, lambda one: circuit.probe_taken(one, now_ms) or one)
        return taken or (not now.openings and now_ms >= now.shut_until_ms)

    def _report(self, hop: Hop, decision: Decision, result: AdapterResult, latency_ms: int) -> None:
        now_ms, model = self.clock.now_ms(), hop.model
        kind = kind_of(hop, result, latency_ms)
        known = self._looked_up(model, now_ms)
        if shown := sample(kind, hop, decision, result, latency_ms):
            known = replace(known, current=self._add(model, shown, known.epoch, now_ms))
            self._remember(model, known)
        attempt = Attempt(kind, hop.probe, asked_to_wait_ms(result.failure))

        def ended(one: Circuit) -> Circuit:
            return circuit.after(replace(known, circuit=one), attempt, self.rules, self.gates.get(model), now_ms)

        self._changed(model, known.circuit, ended)

    def _add(self, model: str, shown: Sample, epoch: int, now_ms: int) -> Sums:
        """The epoch's sums with ``shown`` in them. Made again by the client, it is refused unless another attempt
        came between; then one counts twice, which an average bears."""
        added, half_life_s = averages.added(shown, now_ms, self.rules.half_life_s), self.rules.half_life_s
        sums = ", ".join(f"#{name} :{name}" for name in SUMS)
        values = {f":{name}": value for name, value in zip(SUMS, added.values(), strict=True)}
        expires_at = averages.epoch_ends_at_s(epoch, half_life_s) + KEPT_S
        try:
            item: dict[str, Any] | None = self.dynamodb.update(
                self.table,
                _key(model, self._window(epoch)),
                f"ADD {sums} SET #reported = :report, #expires_at = :expires_at",
                condition="attribute_not_exists(#reported) OR #reported <> :report",
                returned="ALL_NEW",
                names={f"#{name}": name for name in (*SUMS, "reported", "expires_at")},
                values={**values, ":report": _token(), ":expires_at": expires_at},
            )
        except ConditionFailed as done:
            item = done.item
        return averages.from_item(item)

    def _changed(self, model: str, seen: Circuit, change: Callable[[Circuit], Circuit]) -> tuple[Circuit, bool]:
        """The circuit after ``change``, and whether that was written; tried again on what others made of it."""
        token, now_ms = _token(), self.clock.now_ms()
        for _ in range(TRIES):
            changed = change(seen)
            if changed == seen:
                break
            changed = replace(changed, version=seen.version + 1)
            expires_at = max(now_ms, changed.shut_until_ms) // 1_000 + KEPT_S
            written = {**_key(model, CIRCUIT), **changed.as_item(), "written_by": token, "expires_at": expires_at}
            condition = "#version = :version" if seen.version else "attribute_not_exists(#version)"
            given = {"values": {":version": seen.version}} if seen.version else {}
            try:
                self.dynamodb.put(self.table, written, condition=condition, names={"#version": "version"}, **given)
            except ConditionFailed as refused:
                ours = refused.item is not None and refused.item["written_by"] == token
                seen = circuit.from_item(refused.item)
                if not ours:
                    continue
            self._remember(model, replace(self._known(model, now_ms), circuit=changed))
            return changed, True
        self._remember(model, replace(self._known(model, now_ms), circuit=seen))
        return seen, False

    # -- what this process knows --------------------------------------------------------------

    def _looked_up(self, model: str, now_ms: int) -> Known:
        if model not in self._seen:
            self._read([model], now_ms)
        return self._known(model, now_ms)

    def _known(self, model: str, now_ms: int) -> Known:
        epoch = self._epoch(now_ms)
        seen = self._seen.get(model)
        return seen.known.moved_to(epoch) if seen else Known(epoch)

    def _remember(self, model: str, known: Known, read_at_ms: int | None = None) -> None:
        """What was written is as new as what it was written upon."""
        if read_at_ms is None:
            read_at_ms = self._seen[model].read_at_ms if model in self._seen else 0
        self._seen[model] = _Seen(read_at_ms, known)

    def _epoch(self, now_ms: int) -> int:
        return averages.epoch_of(now_ms, self.rules.half_life_s)

    def _window(self, epoch: int) -> str:
        return averages.window(self.rules.half_life_s, epoch)


def _key(model: str, window: str) -> Key:
    return {"counter": f"model#{model}", "window": window}


def _token() -> str:
    return os.urandom(8).hex()
