"""The secret that webhooks are signed with, out of Secrets Manager."""

from signalbox.adapters.keys import KeySource, KeyUnavailable
from signalbox.webhooks.deliver import WebhookFailed


def signing_secret(source: KeySource) -> str:
    """Raises ``WebhookFailed``: nothing is sent unsigned."""
    try:
        secret = source.key(fresh=False)
    except KeyUnavailable as error:
        raise WebhookFailed(str(error)) from None
    if secret is None:
        raise WebhookFailed("no secret is set to sign webhooks with")
    return secret
