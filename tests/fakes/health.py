"""The health of the models without a store: all well, or as a test says."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from signalbox.contracts.adapters import AdapterResult
from signalbox.contracts.decisions import Decision, Hop
from signalbox.contracts.runtime import ModelState, Runtime


@dataclass(frozen=True)
class Reported:
    """One call of ``report``."""

    hop: Hop
    decision: Decision
    result: AdapterResult
    latency_ms: int


@dataclass
class FakeHealth:
    """``states`` by roster id are what ``read`` tells; ``taken`` are models whose probe another request makes."""

    states: dict[str, ModelState] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    entered: list[str] = field(default_factory=list)
    reports: list[Reported] = field(default_factory=list)

    def read(self, models: Iterable[str]) -> Runtime:
        return Runtime(models={name: self.states[name] for name in models if name in self.states})

    def enter(self, hop: Hop) -> bool:
        if hop.probe and hop.model in self.taken:
            return False
        if hop.probe:
            self.taken.add(hop.model)
        self.entered.append(hop.model)
        return True

    def report(self, hop: Hop, decision: Decision, result: AdapterResult, latency_ms: int) -> None:
        if hop.probe:
            self.taken.discard(hop.model)
        self.reports.append(Reported(hop, decision, result, latency_ms))
