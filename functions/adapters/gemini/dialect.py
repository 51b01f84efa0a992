"""Gemini's generateContent, as the shared HTTP provider wants it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from adapters.gemini import errors, mapping, replies
from signalbox.contracts.adapters import AdapterFailure, AdapterReply, AdapterRequest

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"


@dataclass(frozen=True)
class Gemini:
    """The ``Dialect`` of https://ai.google.dev/api/generate-content, v1beta."""

    base_url: str = DEFAULT_BASE_URL
    name: str = "gemini"

    def url(self, request: AdapterRequest) -> str:
        """See ``Dialect``."""
        return f"{self.base_url.rstrip('/')}/v1beta/models/{quote(request.provider_model, safe='')}:generateContent"

    def headers(self, key: str | None) -> dict[str, str]:
        """See ``Dialect``."""
        return {"x-goog-api-key": key} if key else {}

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
