"""What recent calls have taught about the models. Read once per request; the decision sees it as a value."""

from typing import Literal

from pydantic import Field

from signalbox.contracts.model import Contract

Circuit = Literal["closed", "cooling", "probing"]


class ModelState(Contract):
    """One model's recent past; averages are exponentially weighted by age, None when it was never called.

    ``cooling``: shut until ``shut_until_ms`` (Unix). ``probing``: the cooling time is over and one request may
    try. ``token_ratio`` is billed input tokens by estimated o200k_base tokens. ``admitted`` is how many calls
    its gate lets in at a time, None without a declared gate.
    """

    circuit: Circuit = "closed"
    shut_until_ms: int | None = None
    shut_by: Literal["errors", "retry_after"] | None = None
    attempts: float = Field(default=0.0, ge=0)  # weighted
    error_rate: float | None = Field(default=None, ge=0, le=1)
    latency_ms: float | None = Field(default=None, ge=0)  # of replies
    token_ratio: float | None = Field(default=None, gt=0)
    admitted: int | None = None


class Runtime(Contract):
    """By roster id; a model that is not here was never called."""

    models: dict[str, ModelState] = Field(default_factory=dict)

    def of(self, model: str) -> ModelState:
        return self.models.get(model, NEVER_CALLED)


NEVER_CALLED = ModelState()
