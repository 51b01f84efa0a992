"""One exchange in neutral terms: what was asked, what is answered, what is refused."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.simulator.models import Model
from workbench.simulator.tokens import count

Finish = Literal["stop", "length", "tool", "stop_sequence", "window", "refusal"]

# What every provider adds around one turn or tool: role marks and separators.
TURN_OVERHEAD_TOKENS = 4


@dataclass(frozen=True)
class Turn:
    """One turn. ``tool`` turns carry a tool's result; ``tool_name`` names it where the wire says so."""

    role: Literal["user", "assistant", "tool"]
    text: str
    tool_name: str | None = None


@dataclass(frozen=True)
class Tool:
    """A function on offer; ``parameters`` is a JSON Schema object."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SimRequest:
    """A request after its provider's wire has read it. Equal requests get equal answers."""

    model_id: str
    turns: tuple[Turn, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: Literal["auto", "none", "required"] = "auto"
    tool_name: str | None = None
    form: Literal["text", "json_object", "json_schema"] = "text"
    schema: Mapping[str, Any] | None = None
    max_output_tokens: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: bool = False
    top_logprobs: int = 0
    thinks: bool = False
    cache_asked: bool = False
    stream: bool = False
    stream_usage: bool = False

    @property
    def last_user(self) -> str:
        """The text of the last user turn, or nothing."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")

    def dice(self) -> random.Random:
        """Chance that depends on the request alone."""
        return random.Random(hashlib.sha256(repr(self).encode()).digest())  # noqa: S311 - not for secrets

    def parts(self) -> list[str]:
        """The prompt piece by piece, in the order a provider caches it: tools, system, turns."""
        head = "".join(f"{tool.name}{tool.description}{tool.parameters}" for tool in self.tools) + self.system
        return [head, *(turn.text for turn in self.turns)]


def part_tokens(request: SimRequest, model: Model) -> list[int]:
    """Input tokens of each of ``request.parts()``, by ``model``'s own factor."""
    overhead = [TURN_OVERHEAD_TOKENS * len(request.tools)] + [TURN_OVERHEAD_TOKENS] * len(request.turns)
    texts = zip(request.parts(), overhead, strict=True)
    return [round((count(text) + extra) * model.token_factor) for text, extra in texts]


@dataclass(frozen=True)
class Call:
    """A tool call the model makes."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class TokenLogprob:
    """One output token, its log-probability (nats) and the likeliest alternatives, itself first."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class SimReply:
    """What the model says; of a refusal, why it says no more.

    ``output_tokens`` leaves ``reasoning_tokens`` out; wires add them as their provider does.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: Finish = "stop"
    stop_sequence: str | None = None
    output_tokens: int = 0
    reasoning_tokens: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True)
class Exchange:
    """A request with its answer. ``input_tokens`` holds cached and newly cached ones too."""

    model: Model
    request: SimRequest
    reply: SimReply
    request_id: str
    created_s: int
    latency_ms: int
    input_tokens: int
    cached_tokens: int = 0
    cache_written_tokens: int = 0

    def ids(self) -> random.Random:
        """Chance for the ids inside this one reply: fresh for every request id."""
        return random.Random(self.request_id)  # noqa: S311 - not for secrets


class Refusal(Exception):
    """An error a provider would answer. ``kind`` and ``code`` are the provider's own words."""

    def __init__(
        self,
        status: int,
        message: str,
        kind: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        details: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s
        self.details = details
