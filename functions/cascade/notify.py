"""Tells the policy's webhook of a final reply."""

import time

from cascade.services import Services
from signalbox.dialects.replies import render
from signalbox.transport.exchange import shared_client
from signalbox.webhooks.deliver import WebhookFailed, deliver, reply_event
from signalbox.webhooks.secret import signing_secret

WITHIN_S = 10


def notify(caller: str, request_id: str, known: Services) -> None:
    """Once more is the same event again. Raises ``WebhookFailed``, ``StoreUnavailable``."""
    progress, found = known.replies.progress(caller, request_id), known.replies.head(caller, request_id)
    if progress is None or found is None or found[1] is None:
        return  # erased, or expired: there is nothing to tell any more
    webhook = known.tools.policy.webhooks.get(progress.job.decision.terms.webhook or "")
    if webhook is None:
        raise WebhookFailed("the policy has no such webhook any more")
    event = reply_event(render(*found, known.tools.clock.now_ms()))
    deliver(
        webhook.url,
        signing_secret(known.webhook_secret),
        event,
        time.monotonic() + WITHIN_S,
        shared_client(),
    )
