"""What ``DynamoHealth`` does, whichever DynamoDB is under it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from signalbox.contracts.adapters import AdapterResult
from signalbox.contracts.decisions import Decision, Hop
from signalbox.contracts.runtime import ModelState
from signalbox.decision.decide import decide
from signalbox.health.averages import HALF_LIVES_PER_EPOCH
from signalbox.health.store import FRESH_MS, DynamoHealth
from signalbox.policy.resolved import Gate, HealthRules, Role
from signalbox.transport.dynamodb import DynamoDB
from tests.builders import NOW, FakeClock, failure, model, policy, prices, reply, request, route, signals

RULES = HealthRules(half_life_s=60, least_attempts=4, cooling_s=10, longest_cooling_s=60)
GATES = {"a": Gate(2, 16)}
EPOCH_MS = HALF_LIVES_PER_EPOCH * RULES.half_life_s * 1_000
A = model("a")
DECISION: Decision = decide(request(), signals(1_000), policy(route(Role("fast", A))), prices(A), NOW)
HOP: Hop = DECISION.hops[0]
PROBE = HOP.model_copy(update={"probe": True})
DOWN = failure("a", "ProviderUnavailable")
GATE_FULL = failure("a", "RateLimited", retry_after_ms=1_000)


@dataclass
class World:
    """One table, and as many processes of the router as a test starts. Time passes for all at once."""

    dynamodb: DynamoDB
    table: str
    clock: FakeClock = field(default_factory=lambda: FakeClock(5 * EPOCH_MS + 60_000))

    def process(self) -> DynamoHealth:
        return DynamoHealth(self.dynamodb, self.table, RULES, GATES, self.clock)

    def seen(self, health: DynamoHealth | None = None) -> ModelState:
        """By ``health``, or by a process that has seen nothing before."""
        return (health or self.process()).read(["a"]).of("a")

    def tells(self, result: AdapterResult, *, hop: Hop = HOP, times: int = 1, latency_ms: int = 50) -> None:
        for _ in range(times):
            self.process().report(hop, DECISION, result, latency_ms)


class HealthContract:
    """Subclasses give the fixture ``world``."""

    @pytest.mark.row("E9")
    def test_what_one_process_learns_all_know(self, world: World) -> None:
        first, second = world.process(), world.process()
        first.read(["a"])
        first.report(HOP, DECISION, reply("a"), 400)
        second.report(HOP, DECISION, reply("a"), 200)
        second.report(HOP, DECISION, DOWN, 50)
        state = world.seen()
        assert state.latency_ms == pytest.approx(300)
        assert state.error_rate == pytest.approx(1 / 3)
        assert state.attempts == pytest.approx(3, rel=0.01)
        assert state.token_ratio == pytest.approx(0.01)  # 10 billed of 1,000
        assert state.admitted == 16

    @pytest.mark.row("E9")
    def test_a_failing_model_cools_and_comes_back_by_one_probe(self, world: World) -> None:
        world.tells(DOWN, times=4)
        assert world.seen().circuit == "cooling"
        world.clock.at_ms += 10_000
        assert world.seen().circuit == "probing"
        first, second = world.process(), world.process()
        assert second.enter(HOP)  # no probe: nothing to take
        assert first.enter(PROBE)
        assert not second.enter(PROBE)
        first.report(PROBE, DECISION, reply("a"), 50)
        assert (world.seen().circuit, world.seen().error_rate) == ("closed", None)
        world.clock.at_ms += FRESH_MS + 1
        assert world.seen(second).circuit == "closed"
        assert world.process().enter(PROBE)  # decided before it came back; now all may
        assert world.seen(first).circuit == "closed"

    @pytest.mark.row("E9")
    def test_a_failed_probe_shuts_it_for_twice_as_long(self, world: World) -> None:
        world.tells(DOWN, times=4)
        world.clock.at_ms += 10_000
        prober = world.process()
        assert prober.enter(PROBE)
        prober.report(PROBE, DECISION, DOWN, 50)
        assert world.seen().shut_until_ms == world.clock.at_ms + 20_000
        assert not world.process().enter(PROBE)

    @pytest.mark.row("E9")
    def test_of_many_probers_one_enters(self, world: World) -> None:
        world.tells(DOWN, times=4)
        world.clock.at_ms += 10_000
        probers = [world.process() for _ in range(12)]
        for one in probers:
            one.read(["a"])
        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(lambda one: one.enter(PROBE), probers)) == 1

    @pytest.mark.row("C11")
    def test_throttles_at_once_halve_once(self, world: World) -> None:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: world.tells(GATE_FULL), range(12)))
        state = world.seen()
        assert (state.admitted, state.circuit, state.attempts) == (8, "closed", 0)
        world.clock.at_ms += 1_000
        world.tells(reply("a"))
        assert world.seen().admitted == 9

    @pytest.mark.row("C11")
    def test_retry_after_shuts_for_exactly_that_long(self, world: World) -> None:
        world.tells(failure("a", "RateLimited", status=429, retry_after_ms=7_000))
        state = world.seen()
        assert (state.circuit, state.shut_by) == ("cooling", "retry_after")
        assert state.shut_until_ms == world.clock.at_ms + 7_000
        world.clock.at_ms += 7_000
        assert world.seen().circuit == "closed"

    @pytest.mark.row("E9")
    def test_the_same_reports_in_two_epochs_make_one_average(self, world: World) -> None:
        world.clock.at_ms = 6 * EPOCH_MS - 30_000
        world.tells(reply("a"), latency_ms=100)
        world.clock.at_ms = 6 * EPOCH_MS + 30_000  # a half-life later
        process = world.process()
        process.read(["a"])
        process.report(HOP, DECISION, reply("a"), 400)
        for seen in (world.seen(), world.seen(process)):
            assert seen.latency_ms == pytest.approx(300, rel=0.01)
            assert seen.attempts == pytest.approx(1.5, rel=0.01)

    @pytest.mark.row("A10")
    def test_the_latency_of_a_model_long_idle_is_remembered_but_has_no_weight(self, world: World) -> None:
        assert world.seen().latency_ms is None
        world.tells(reply("a"), latency_ms=420)
        world.clock.at_ms += 5 * EPOCH_MS
        state = world.seen()
        assert state.latency_ms == pytest.approx(420)
        assert state.attempts == pytest.approx(0, abs=1e-9)

    def test_concurrent_reports_all_count(self, world: World) -> None:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda ms: world.tells(reply("a"), latency_ms=ms), range(100, 130)))
        state = world.seen()
        assert state.attempts == pytest.approx(30, rel=0.001)
        assert state.latency_ms == pytest.approx(114.5)

    def test_many_models_are_read_together(self, world: World) -> None:
        names = [f"m{number}" for number in range(40)] + ["a"]
        world.tells(reply("a"), latency_ms=70)
        runtime = world.process().read(names)
        assert runtime.of("a").latency_ms == 70
        assert runtime.of("m7").circuit == "closed"

    def test_a_burst_reads_once_a_second(self, world: World) -> None:
        health = world.process()
        assert world.seen(health).latency_ms is None
        world.tells(reply("a"))
        assert world.seen(health).latency_ms is None
        world.clock.at_ms += FRESH_MS + 1
        assert world.seen(health).latency_ms == 50
