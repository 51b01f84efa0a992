"""The four wire formats. Each module is one provider: it reads requests, writes replies and words the errors."""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from workbench.simulator.exchange import Exchange, Refusal, SimRequest
from workbench.simulator.limits import LimitState
from workbench.simulator.models import Model


class Strict(BaseModel):
    """A part of a request body: a field it does not know is an error, as it is at the providers."""

    model_config = ConfigDict(extra="forbid")


class Wire(Protocol):
    """What a provider's module does. Functions that return a ``Refusal`` word an error; the others may raise one."""

    def new_request_id(self) -> str:
        """A fresh id in the provider's form."""

    def check_key(self, headers: Mapping[str, str]) -> None:
        """Raises unless there is a key that does not begin with ``invalid``."""

    def unreadable(self) -> Refusal:
        """The body is not a JSON object."""

    def unknown_model(self, model_id: str) -> Refusal:
        """No such model."""

    def parse(self, body: dict[str, Any], model: Model) -> SimRequest:
        """The request in neutral terms. Raises for what the provider or ``model`` does not take."""

    def check_window(self, request: SimRequest, model: Model, input_tokens: int) -> None:
        """Raises where ``input_tokens`` or the output asked for are over ``model``'s limits."""

    def overflow(self, model: Model, input_tokens: int) -> Refusal:
        """The prompt is longer than the window."""

    def unsupported_schema(self, detail: str) -> Refusal:
        """The schema is not one that replies can be held to."""

    def rate_limited(self, model: Model, state: LimitState) -> Refusal:
        """A rate limit is used up."""

    def failing(self, status: int, retry_after_s: float | None) -> Refusal:
        """The provider's own words for a bare HTTP ``status``."""

    def render(self, exchange: Exchange) -> dict[str, Any]:
        """The reply's body."""

    def error_body(self, refusal: Refusal, request_id: str) -> dict[str, Any]:
        """The body of an error."""

    def headers(self, request_id: str, state: LimitState | None, refusal: Refusal | None) -> dict[str, str]:
        """The provider's own headers."""


def is_wrong(key: str) -> bool:
    """Whether ``key`` is one that the simulator turns away."""
    return key.lower().startswith("invalid")


def field_path(location: tuple[int | str, ...]) -> str:
    """``messages.0.content`` for a pydantic error's ``loc``."""
    return ".".join(str(step) for step in location)
