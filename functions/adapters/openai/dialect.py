"""Chat Completions, as the shared HTTP provider wants it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.openai import errors, mapping, replies
from adapters.openai.servers import DEFAULT_BASE_URL, server_of
from signalbox.contracts.adapters import AdapterFailure, AdapterReply, AdapterRequest


@dataclass(frozen=True)
class OpenAI:
    """The ``Dialect`` of OpenAI and every server that speaks it (Azure v1, vLLM, Ollama). ``base_url`` ends in
    ``/v1``."""

    base_url: str = DEFAULT_BASE_URL
    name: str = "openai"

    def url(self, request: AdapterRequest) -> str:  # noqa: ARG002 - the model is in the body
        """See ``Dialect``."""
        return f"{self.base_url.rstrip('/')}/chat/completions"

    def headers(self, key: str | None) -> dict[str, str]:
        """See ``Dialect``."""
        return {"authorization": f"Bearer {key}"} if key else {}

    def to_wire(self, request: AdapterRequest) -> dict[str, Any]:
        """See ``Dialect``."""
        return mapping.to_wire(request, server_of(self.base_url))

    def from_wire(
        self, request: AdapterRequest, body: bytes, headers: Mapping[str, str], latency_ms: int
    ) -> AdapterReply:
        """See ``Dialect``."""
        return replies.from_wire(request, body, headers, latency_ms)

    def failure(self, request: AdapterRequest, status: int, headers: Mapping[str, str], body: bytes) -> AdapterFailure:
        """See ``Dialect``."""
        return errors.failure(request, status, headers, body)
