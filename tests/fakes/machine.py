"""A state machine over the ledger: requests that open, are billed, crash, are reconciled, and tell late.

Every call may be lost on its way there or on its way back. Run on the ledger in memory by tests/unit and on a real
DynamoDB by tests/functional. What providers billed is counted beside the store, by what the store cannot know.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from signalbox.contracts.adapters import Usage
from signalbox.contracts.ledger import AttemptFacts, Entry
from signalbox.contracts.quotas import Hold
from signalbox.contracts.receipts import Receipt
from signalbox.ledger.died import died
from signalbox.ledger.reconcile import reconcile
from signalbox.ledger.store import DynamoLedger
from signalbox.quotas.standing import QuotaExceeded
from signalbox.transport.dynamodb import StoreUnavailable
from tests.builders import FakeClock
from tests.fakes.dynamodb import Fault
from tests.unit.quotas.samples import NOW_MS, entry, hop

CAP_MICROUSD, PLACES, REQUESTS, TOKENS = 100, 3, 6, 200
LEASE_MS, WINDOW_MS = 10_000, 60_000
Counter = tuple[str, str]


@dataclass
class Run:
    """One request as the world sees it. ``told``: someone settled it by its cost; ``lost``: worst was booked."""

    entry: Entry
    taken: bool = False  # its holds are on the counters
    billed: AttemptFacts | None = None
    receipt: bool = False
    crashed: bool = False
    ended: str = ""  # "", "told" or "lost"


@dataclass
class Faults:
    """What befalls the next attempts, in turn; then nothing."""

    coming: list[Fault | None] = field(default_factory=list)

    def __call__(self) -> Fault | None:
        return self.coming.pop(0) if self.coming else None


class Left:
    """Receipts of the runs that left one."""

    def __init__(self, runs: list[Run]) -> None:
        self.runs = runs

    def find(self, receipt: str) -> tuple[Receipt, ...]:
        return tuple(
            Receipt(receipt=receipt, request_id=one.entry.request_id, attempt=one.billed)
            for one in self.runs
            if one.receipt and one.billed and one.entry.receipt == receipt
        )


any_run = st.integers(min_value=0)
fault = st.lists(st.sampled_from(["lost", "unanswered", None]), max_size=5)


class LedgerMachine(RuleBasedStateMachine):
    """``make`` gives the ledger; ``counters`` reads all of them back."""

    def make(self, clock: FakeClock, faults: Faults) -> DynamoLedger:
        raise NotImplementedError

    def counters(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.clock, self.faults = FakeClock(NOW_MS), Faults()
        self.ledger = self.make(self.clock, self.faults)
        self.runs: list[Run] = []
        self.limits: dict[Counter, int] = {}

    # -- requests -----------------------------------------------------------------------------

    @rule(
        caller=st.sampled_from(["alice", "bob"]),
        model=st.sampled_from(["small", "large"]),
        worst=st.integers(0, CAP_MICROUSD + 10),
        befalls=fault,
    )
    def open(self, caller: str, model: str, worst: int, befalls: list[Fault | None]) -> None:
        run = Run(self._entry(caller, model, worst))
        for one in run.entry.holds:
            self.limits[one.counter, one.window] = one.limit
        before: dict[Counter, int] = {(one["counter"], one["window"]): one["committed"] for one in self.counters()}
        has_room = all(before.get((one.counter, one.window), 0) + one.amount <= one.limit for one in run.entry.holds)
        self.faults.coming = list(befalls)
        try:
            self.ledger.open(run.entry)
        except QuotaExceeded as error:
            self._refused(error, before, has_room)
        except StoreUnavailable:
            # Nobody knows whether it was opened; it never asks a model.
            run.crashed = True
            self.faults.coming = []
            run.taken = self.ledger.get(caller, run.entry.request_id) is not None
            if run.taken:
                self.runs.append(run)
        else:
            assert has_room
            run.taken = True
            self.runs.append(run)
        finally:
            self.faults.coming = []

    def _refused(self, error: QuotaExceeded, before: dict[Counter, int], has_room: bool) -> None:
        assert not has_room
        assert all(one.committed == before.get((one.hold.counter, one.hold.window), 0) for one in error.standings)
        assert all(one.committed + one.hold.amount > one.hold.limit for one in error.standings)

    def _entry(self, caller: str, model: str, worst: int) -> Entry:
        number = len(self.runs)
        opened = entry(
            hops=(hop(model, worst, input_tokens=30, max_output_tokens=20),),
            caller=caller,
            request_id=f"req_{number:04}_{self.clock.at_ms}",
            receipt=f"{caller}#{number // 2}",  # two requests of one idempotency key share one
            opened_at_ms=self.clock.at_ms,
            lease_ends_at_ms=self.clock.at_ms + LEASE_MS,
        )
        return opened.model_copy(update={"holds": self._holds(caller, model, worst)})

    def _holds(self, caller: str, model: str, worst: int) -> tuple[Hold, ...]:
        number, resets_at_ms = self.clock.at_ms // WINDOW_MS, (self.clock.at_ms // WINDOW_MS + 1) * WINDOW_MS

        def hold(counter: str, measure: Any, limit: int, amount: int) -> Hold:
            at = None if measure == "in_flight" else resets_at_ms
            window = measure if at is None else f"{measure}#minute#{number}"
            return Hold(
                counter=counter,
                window=window,
                measure=measure,
                limit=limit,
                amount=amount,
                label="",
                resets_at_ms=at,
            )

        return (
            hold("global", "microusd", CAP_MICROUSD, worst),
            hold(f"caller#{caller}", "microusd", CAP_MICROUSD // 2, worst),
            hold(f"model#{model}", "microusd", CAP_MICROUSD, worst),
            hold(f"caller#{caller}", "requests", REQUESTS, 1),
            hold(f"caller#{caller}", "tokens", TOKENS, 50),
            hold(f"model#{model}", "in_flight", PLACES, 1),
        )

    @precondition(lambda self: self.runs)
    @rule(which=any_run)
    def open_again(self, which: int) -> None:
        """The same call, made twice."""
        run = self._run(which)
        if not run.ended:
            self.ledger.open(run.entry)

    @precondition(lambda self: self.runs)
    @rule(which=any_run, share=st.floats(0, 1), receipt=st.booleans(), beyond=st.sampled_from([0, 0, 0, 7]))
    def bill(self, which: int, share: float, receipt: bool, beyond: int) -> None:
        """The model answers, and its adapter may live to leave a receipt."""
        run = self._run(which)
        if run.billed is None and not run.crashed and not run.ended:
            (only,) = run.entry.decision.hops if run.entry.decision else ()
            run.billed = AttemptFacts(
                model=only.model,
                cost_microusd=int(only.worst_cost_microusd * share) + beyond,
                usage=Usage(input_tokens=20, output_tokens=int(20 * share)),
            )
            run.receipt = receipt

    @precondition(lambda self: self.runs)
    @rule(which=any_run)
    def crash(self, which: int) -> None:
        """The process dies on whatever line it is."""
        self._run(which).crashed = True

    @precondition(lambda self: self.runs)
    @rule(which=any_run, befalls=fault)
    def settle(self, which: int, befalls: list[Fault | None]) -> None:
        """By the request itself; also late, and again."""
        run = self._run(which)
        if run.crashed:
            return
        attempts = (run.billed,) if run.billed else ()
        ended = run.entry.model_copy(update={"state": "settled", "attempts": attempts, "status": 200})
        self._settled(run, ended, befalls)

    @precondition(lambda self: self.runs)
    @rule(which=any_run, befalls=fault)
    def find_again(self, which: int, befalls: list[Fault | None]) -> None:
        """A retry with its key finds what the dead request's adapter left, orphaned meanwhile or not."""
        run = self._run(which)
        if run.crashed and run.receipt and run.billed:
            found = Left(self.runs).find(run.entry.receipt or "")
            self._settled(run, died(run.entry, found, self.clock.at_ms), befalls)

    @precondition(lambda self: self.runs)
    @rule(which=any_run)
    def late_receipt(self, which: int) -> None:
        run = self._run(which)
        if run.billed:
            run.receipt = True

    def _settled(self, run: Run, ended: Entry, befalls: list[Fault | None]) -> None:
        self.faults.coming = list(befalls)
        try:
            self.ledger.settle(ended)
        except StoreUnavailable:
            self.faults.coming = []
            found = self.ledger.get(run.entry.caller, run.entry.request_id)
            if found and found.state == "settled":
                run.ended = "told"
            else:
                run.crashed = True  # the router gives up; the lease will end
        else:
            run.ended = "told"
        finally:
            self.faults.coming = []
        if run.ended == "told":
            run.crashed = True  # nothing more comes of it, but for what is made twice

    @precondition(lambda self: self.runs)
    @rule(which=any_run)
    def settle_again(self, which: int) -> None:
        """With other figures even: the first word stands."""
        run = self._run(which)
        if run.ended == "told":
            wrong = AttemptFacts(model="small", cost_microusd=99)
            self.ledger.settle(run.entry.model_copy(update={"state": "settled", "attempts": (wrong,)}))

    # -- time ---------------------------------------------------------------------------------

    @rule(ms=st.sampled_from([1, LEASE_MS // 2, LEASE_MS + 1, WINDOW_MS]))
    def time_passes(self, ms: int) -> None:
        self.clock.at_ms += ms

    @rule(befalls=fault)
    def reconcile(self, befalls: list[Fault | None]) -> None:
        self.faults.coming = list(befalls)
        books, found = self.ledger.books, Left(self.runs)
        try:
            reconcile(books, found, self.clock.at_ms, in_time=lambda: True, failed=lambda *_: None)
        except StoreUnavailable:
            pass
        finally:
            self.faults.coming = []
        for run in self.runs:
            self._look(run)

    def _look(self, run: Run) -> None:
        """What the reconciler made of it."""
        if run.ended == "told":
            return
        found = self.ledger.get(run.entry.caller, run.entry.request_id)
        assert found is not None
        if found.state == "orphaned":
            run.ended = "lost"
        elif found.state == "settled":
            assert run.receipt, "only a receipt tells what a dead request cost"
            run.ended, run.crashed = "told", True

    # -- what always holds --------------------------------------------------------------------

    @invariant()
    def counters_are_whole_and_within_their_limits(self) -> None:
        over: dict[Counter, int] = defaultdict(int)
        for run in self.runs:
            for one in run.entry.holds:
                over[one.counter, one.window] += max(0, self._booked(run, one) - one.amount)
        for counter in self.counters():
            at = counter["counter"], counter["window"]
            assert counter["committed"] == counter["spent"] + counter["reserved"], at
            assert counter["spent"] >= 0, at
            assert counter["reserved"] >= 0, at
            assert counter["committed"] <= self.limits[at] + over[at], at

    @invariant()
    def what_is_booked_is_what_happened(self) -> None:
        """Every counter, from the runs alone: what was billed, the worst where nobody knows, what still runs."""
        expected: dict[Counter, dict[str, int]] = defaultdict(lambda: {"spent": 0, "reserved": 0})
        for run in self.runs:
            for one in run.entry.holds:
                counter = expected[one.counter, one.window]
                if run.ended:
                    counter["spent"] += self._booked(run, one)
                else:
                    counter["reserved"] += one.amount
        for found in self.counters():
            at = found["counter"], found["window"]
            assert {"spent": found["spent"], "reserved": found["reserved"]} == expected.pop(at), at
        assert not expected

    def _booked(self, run: Run, one: Hold) -> int:
        """By its own words, not the product's: what is to stay booked of ``one`` once its run has ended."""
        if one.measure == "in_flight" or not run.ended:
            return 0
        if run.ended == "lost" or one.measure == "requests":
            return one.amount
        if run.billed is None:
            return 0
        if one.measure == "microusd":
            return run.billed.cost_microusd
        return run.billed.usage.input_tokens + run.billed.usage.output_tokens

    def teardown(self) -> None:
        """In the end nothing is reserved: no place is lost for good, and no money either."""
        if not hasattr(self, "ledger"):
            return
        self.clock.at_ms += LEASE_MS + 1
        self.reconcile([])
        assert all(run.ended for run in self.runs)
        assert all(counter["reserved"] == 0 for counter in self.counters())
        self.what_is_booked_is_what_happened()
        assert not list(self.ledger.books.expired(self.clock.at_ms + LEASE_MS, 100))

    def _run(self, which: int) -> Run:
        return self.runs[which % len(self.runs)]
