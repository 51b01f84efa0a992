"""When a model is left alone and how it comes back; how much its gate lets in."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.runtime import ModelState
from signalbox.health.averages import HALF_LIVES_PER_EPOCH, Sample, added, epoch_of
from signalbox.health.circuit import PROBE_LEASE_MS, Attempt, Circuit, Known, after, from_item, probe_taken, state
from signalbox.health.outcomes import Kind
from signalbox.policy.resolved import Gate, HealthRules

RULES = HealthRules(half_life_s=60, least_attempts=4, error_rate=0.5, cooling_s=10, longest_cooling_s=60)
GATE = Gate(2, 16)
EPOCH_MS = HALF_LIVES_PER_EPOCH * 60_000


@dataclass
class Model:
    """One model in one process: attempts go in, its state comes out."""

    now_ms: int = 5 * EPOCH_MS + 1_000
    known: Known = field(default_factory=lambda: Known(5))
    gate: Gate | None = None

    def tried(self, kind: Kind, *, probe: bool = False, wait_ms: int | None = None) -> None:
        epoch = epoch_of(self.now_ms, RULES.half_life_s)
        self.known = self.known.moved_to(epoch)
        if kind in (Kind.WELL, Kind.ILL):
            more = added(Sample(error=kind is Kind.ILL), self.now_ms, RULES.half_life_s)
            self.known = replace(self.known, current=self.known.current + more)
        circuit = after(self.known, Attempt(kind, probe, wait_ms), RULES, self.gate, self.now_ms)
        self.known = replace(self.known, circuit=circuit)

    def probes(self) -> bool:
        taken = probe_taken(self.known.circuit, self.now_ms)
        self.known = replace(self.known, circuit=taken or self.known.circuit)
        return taken is not None

    @property
    def state(self) -> ModelState:
        return state(self.known, RULES, self.gate, self.now_ms)

    def circuit(self) -> str:
        return self.state.circuit

    def shut_for_ms(self) -> int | None:
        until = self.state.shut_until_ms
        return None if until is None else until - self.now_ms


def failing() -> Model:
    model = Model()
    for _ in range(4):
        model.tried(Kind.ILL)
    return model


@pytest.mark.row("E9")
def test_enough_errors_shut_a_model_and_fewer_do_not() -> None:
    model = Model()
    for _ in range(3):
        model.tried(Kind.ILL)
    assert model.circuit() == "closed"
    model.tried(Kind.ILL)
    assert (model.circuit(), model.state.shut_by, model.shut_for_ms()) == ("cooling", "errors", 10_000)


@pytest.mark.row("E9")
def test_the_rate_is_what_counts() -> None:
    model = Model()
    for _ in range(6):
        model.tried(Kind.WELL)
    for _ in range(5):
        model.tried(Kind.ILL)
    assert model.circuit() == "closed"
    model.tried(Kind.ILL)
    assert model.circuit() == "cooling"


@pytest.mark.row("E9")
def test_a_probe_that_fails_shuts_it_for_twice_as_long_up_to_the_longest() -> None:
    model = failing()
    for expected_ms in (20_000, 40_000, 60_000, 60_000):
        model.now_ms += model.shut_for_ms() or 0
        assert model.circuit() == "probing"
        assert model.probes()
        model.tried(Kind.ILL, probe=True)
        assert model.shut_for_ms() == expected_ms


@pytest.mark.row("E9")
def test_a_probe_that_works_opens_it_and_old_errors_are_forgotten() -> None:
    model = failing()
    model.now_ms += 10_000
    assert model.probes()
    model.tried(Kind.WELL, probe=True)
    assert (model.circuit(), model.state.attempts, model.state.error_rate) == ("closed", 0, None)
    for _ in range(3):
        model.tried(Kind.ILL)
    assert model.circuit() == "closed"
    model.now_ms += EPOCH_MS  # what is forgotten stays so in the next epoch
    model.tried(Kind.ILL)
    assert model.state.error_rate == pytest.approx(1)
    assert model.state.attempts == pytest.approx(1, rel=0.01)


@pytest.mark.row("E9")
@pytest.mark.parametrize("into_the_next_ms", [-1, 1])
def test_old_errors_stay_forgotten_across_an_epochs_edge(into_the_next_ms: int) -> None:
    model = Model(now_ms=6 * EPOCH_MS - 20_000)
    for _ in range(4):
        model.tried(Kind.ILL)
    model.now_ms += 10_000
    assert model.probes()
    model.tried(Kind.WELL, probe=True)
    model.now_ms = 6 * EPOCH_MS + into_the_next_ms
    model.tried(Kind.ILL)
    assert model.state.attempts == pytest.approx(1, rel=0.01)


@pytest.mark.row("E9")
def test_one_probe_at_a_time_and_a_dead_prober_holds_nobody_up() -> None:
    model = failing()
    assert not model.probes()  # still cooling
    model.now_ms += 10_000
    assert model.probes()
    assert not model.probes()
    model.now_ms += PROBE_LEASE_MS - 1
    assert not model.probes()
    model.now_ms += 1
    assert model.probes()


def test_a_probe_that_was_not_heard_lets_the_next_one_try() -> None:
    model = failing()
    model.now_ms += 10_000
    assert model.probes()
    model.tried(Kind.GATE, probe=True)
    assert model.circuit() == "probing"
    assert model.probes()


def test_of_two_failed_probes_one_counts() -> None:
    model = failing()
    model.now_ms += 10_000
    assert model.probes()
    model.now_ms += PROBE_LEASE_MS
    assert model.probes()
    model.tried(Kind.ILL, probe=True)
    model.tried(Kind.ILL, probe=True)
    assert model.known.circuit.openings == 2


@pytest.mark.row("E9")
def test_while_it_is_shut_only_the_probe_has_a_say() -> None:
    model = failing()
    before = model.known.circuit
    model.now_ms += 100
    for kind in (Kind.ILL, Kind.WELL, Kind.NOTHING):
        model.tried(kind)
    assert model.known.circuit == before
    model.now_ms += 10_000
    model.tried(Kind.WELL)  # called before it was shut, and answered late
    assert model.circuit() == "probing"


@pytest.mark.row("C11")
def test_retry_after_shuts_it_for_exactly_that_long_and_no_probe_follows() -> None:
    model = Model()
    for _ in range(2):
        model.tried(Kind.THROTTLED, wait_ms=7_000)
        assert (model.state.shut_by, model.shut_for_ms()) == ("retry_after", 7_000)
        model.now_ms += 7_000
        assert model.circuit() == "closed"
    model.tried(Kind.THROTTLED, wait_ms=3_600_000)
    assert model.shut_for_ms() == 60_000


def test_retry_after_neither_shortens_nor_ends_a_cooling_time() -> None:
    model = failing()
    model.tried(Kind.THROTTLED, wait_ms=3_000)
    assert (model.shut_for_ms(), model.state.shut_by) == (10_000, "errors")
    model.tried(Kind.THROTTLED, wait_ms=30_000)
    assert (model.shut_for_ms(), model.state.shut_by) == (30_000, "retry_after")
    model.now_ms += 30_000
    assert model.circuit() == "probing"


@pytest.mark.row("C11")
def test_a_throttle_halves_what_is_admitted_once_a_second_and_successes_raise_it() -> None:
    model = Model(gate=GATE)
    assert model.state.admitted == 16
    seen = []
    for kind, later_ms in [
        (Kind.GATE, 0),
        (Kind.GATE, 999),  # the same burst
        (Kind.THROTTLED, 1),
        (Kind.WELL, 500),
        (Kind.WELL, 500),
        (Kind.WELL, 999),
        (Kind.WELL, 1),
        (Kind.GATE, 0),
        (Kind.GATE, 1_000),
        (Kind.GATE, 1_000),
    ]:
        model.now_ms += later_ms
        model.tried(kind)
        seen.append(model.state.admitted)
    assert seen == [8, 8, 4, 4, 5, 5, 6, 3, 2, 2]
    assert Model().state.admitted is None


@pytest.mark.row("C11")
def test_what_is_admitted_falls_no_lower_than_the_least() -> None:
    model, seen = Model(gate=Gate(1, 4)), []
    for _ in range(4):
        model.now_ms += 1_000
        model.tried(Kind.GATE)
        seen.append(model.state.admitted)
    assert seen == [2, 1, 1, 1]


KINDS = st.sampled_from(list(Kind))


@pytest.mark.row("C11")
@given(
    st.lists(st.tuples(KINDS, st.integers(0, 70_000), st.none() | st.integers(1, 100_000)), max_size=60),
    st.integers(1, 8),
    st.integers(0, 20),
)
def test_whatever_happens_the_bounds_hold_and_nobody_is_shut_out_for_good(
    steps: list[tuple[Kind, int, int | None]], least: int, more: int
) -> None:
    model = Model(gate=Gate(least, least + more))
    for kind, later_ms, wait_ms in steps:
        model.now_ms += later_ms
        probe = model.circuit() == "probing" and model.probes()
        model.tried(kind, probe=probe, wait_ms=wait_ms if kind is Kind.THROTTLED else None)
        assert least <= (model.state.admitted or 0) <= least + more
        assert (model.shut_for_ms() or 0) <= RULES.longest_cooling_s * 1_000
        assert (model.circuit() == "cooling") == (model.state.shut_until_ms is not None)
    model.now_ms += RULES.longest_cooling_s * 1_000 + PROBE_LEASE_MS
    if model.circuit() == "probing":
        assert model.probes()
        model.tried(Kind.WELL, probe=True)
    assert model.circuit() == "closed"


@given(st.builds(Circuit, version=st.integers(1, 9), openings=st.integers(0, 9), base_weight=st.integers(0, 10**24)))
def test_a_circuit_is_read_as_it_was_written(circuit: Circuit) -> None:
    assert from_item({"counter": "x", **circuit.as_item()}) == circuit
