"""What a reply is judged by, and how sure one can be of it."""

from pydantic import ConfigDict, Field

from signalbox.contracts.model import Contract


class Lazy(Contract):
    """Its validator is built when first needed: a router that asks one model needs none of these."""

    model_config = ConfigDict(defer_build=True)


class Evidence(Lazy):
    """What is really there to judge a reply by; None is what nobody could tell. Log-probabilities in nats."""

    prior: float = Field(ge=0, le=1)  # before the reply: that a small model suffices
    mean_logprob: float | None = None
    min_logprob: float | None = None
    mean_entropy: float | None = None  # nats a token, over the alternatives that the provider shows
    finish_reason: str = "stop"
    refused: bool = False
    hedges: int = Field(default=0, ge=0)  # phrases that take back what they say
    output_tokens: int = Field(default=0, ge=0)
    schema_valid: bool | None = None
    citations_valid: bool | None = None
    agreement: float | None = Field(default=None, ge=0, le=1)  # among samples of the same model
    self_check: float | None = Field(default=None, ge=0, le=1)  # that the model stands by its reply


class Confidence(Lazy):
    """``value``: the calibrated probability that the reply is good enough. ``contributions`` in log-odds by name."""

    value: float = Field(ge=0, le=1)
    contributions: dict[str, float] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()
