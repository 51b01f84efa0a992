"""How a receipt lies in its table: the partition that finds it, then which request, which model, which of its calls.

Written by adapters, whose cold start cannot afford the ledger's contracts; so this knows names alone, and
``dynamo`` makes values of them again.
"""

import gzip
from typing import Any

from signalbox.contracts.adapters import AdapterReply, AdapterRequest

# As long as an idempotency key is kept unless the policy says otherwise; the reconciler looks after minutes.
KEEP_S = 86_400
# DynamoDB takes 400 KB an item; names and facts need far less than the rest.
MOST_REPLY_BYTES = 380_000
# Of a reply, what ``AttemptFacts`` has under the same names.
_FACTS = ("model", "model_version", "provider_request_id", "usage", "cost_microusd", "latency_ms")


def attempt_key(request: AdapterRequest) -> str:
    """Tells apart all calls that one request makes. Request ids and roster ids hold no ``#``."""
    key = f"{request.request_id}#{request.model}"
    return f"{key}#{request.attempt}" if request.attempt else key


def receipt_item(request: AdapterRequest, reply: AdapterReply, now_ms: int, keep_s: int) -> dict[str, Any]:
    """The item that says what ``reply`` was billed, with the reply itself where it was asked for and fits."""
    facts = reply.model_dump_json(include=set(_FACTS))
    item: dict[str, Any] = {
        "receipt": request.receipt,
        "attempt": attempt_key(request),
        "left_at_ms": now_ms,
        "facts": facts,
        "expires_at": now_ms // 1_000 + keep_s,
    }
    if request.keep_reply:
        kept = gzip.compress(reply.model_dump_json(exclude_defaults=True).encode(), compresslevel=6, mtime=0)
        if len(kept) <= MOST_REPLY_BYTES:
            item["reply"] = kept
    return item
