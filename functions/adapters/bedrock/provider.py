"""Bedrock's Converse, signed here and sent as the other providers are.

Not through a boto3 client: its service model costs a third of the adapter's cold start and is
as old as the Lambda runtime, which then refuses fields that the service has long had; and its
limits are per client, while ours are per call.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import httpx

from adapters.bedrock import errors, mapping, replies
from signalbox.adapters.http import exchanged, reply_of
from signalbox.adapters.provider import failed
from signalbox.contracts.adapters import AdapterReply, AdapterRequest
from signalbox.transport.aws import NoAwsKeys, ambient_keys
from signalbox.transport.exchange import shared_client
from signalbox.transport.sigv4 import Keys, signed


@dataclass(frozen=True)
class BedrockProvider:
    """The ``Provider`` of Amazon Bedrock. ``bearer`` is a Bedrock API key, for where there is no role to sign as."""

    region: str
    base_url: str
    keys: Callable[[], Keys] = ambient_keys
    client: Callable[[], httpx.Client] = shared_client
    bearer: str = ""
    name: str = "bedrock"

    def attempt(self, request: AdapterRequest, time_left_ms: int) -> AdapterReply:
        """See ``Provider``."""
        ends_at = time.monotonic() + time_left_ms / 1_000
        body = json.dumps(mapping.to_wire(request)).encode()
        url = f"{self.base_url.rstrip('/')}/model/{quote(request.provider_model, safe='')}/converse"
        answer = exchanged(self.name, self.client, request, url, self._signed(request, url, body), body, ends_at)
        return reply_of(self.name, request, answer, replies.from_wire, errors.failure)

    def _signed(self, request: AdapterRequest, url: str, body: bytes) -> dict[str, str]:
        headers, now = {"Content-Type": "application/json"}, datetime.now(UTC)
        if self.bearer:
            return {**headers, "Authorization": f"Bearer {self.bearer}"}
        try:
            return signed(url, headers, body, service="bedrock", region=self.region, keys=self.keys(), now=now)
        except NoAwsKeys as error:
            raise failed(request, "AuthenticationFailed", str(error)) from None
