"""Anthropic's Messages API, as the shared HTTP provider wants it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.anthropic import errors, mapping, replies
from signalbox.contracts.adapters import AdapterFailure, AdapterReply, AdapterRequest

DEFAULT_BASE_URL = "https://api.anthropic.com"
API_VERSION = "2023-06-01"


@dataclass(frozen=True)
class Anthropic:
    """The ``Dialect`` of https://platform.claude.com/docs/en/api/messages. ``base_url`` ends before ``/v1``."""

    base_url: str = DEFAULT_BASE_URL
    name: str = "anthropic"

    def url(self, request: AdapterRequest) -> str:  # noqa: ARG002 - the model is in the body
        """See ``Dialect``."""
        return f"{self.base_url.rstrip('/')}/v1/messages"

    def headers(self, key: str | None) -> dict[str, str]:
        """See ``Dialect``."""
        return {"anthropic-version": API_VERSION} | ({"x-api-key": key} if key else {})

    def to_wire(self, request: AdapterRequest) -> dict[str, Any]:
        """See ``Dialect``."""
        return mapping.to_wire(request)

    def from_wire(
        self, request: AdapterRequest, body: bytes, headers: Mapping[str, str], latency_ms: int
    ) -> AdapterReply:
        """See ``Dialect``."""
        return replies.from_wire(request, body, headers, latency_ms)

    def failure(self, request: AdapterRequest, status: int, headers: Mapping[str, str], body: bytes) -> AdapterFailure:
        """See ``Dialect``."""
        return errors.failure(request, status, headers, body)
