"""What carrying a plan out needs from the outside."""

from typing import Protocol

from signalbox.contracts.adapters import AdapterRequest, AdapterResult


class Invoker(Protocol):
    """Calls one model's adapter."""

    def invoke(self, request: AdapterRequest) -> AdapterResult:
        """Its reply or failure. Raises nothing: a gate that is shut is ``RateLimited``, an adapter that
        broke is ``ProviderUnavailable``."""


class Clock(Protocol):
    def now_ms(self) -> int:
        """Unix time in milliseconds."""
