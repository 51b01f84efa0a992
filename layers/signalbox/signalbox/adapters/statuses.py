"""What an HTTP status alone says, where the body says no more."""

from signalbox.contracts.adapters import FailureName


def by_status(status: int) -> FailureName:
    """The failure that ``status`` (never 2xx) stands for.

    408 and 409 are the provider's own timeouts and conflicts, over in a moment. 402 is an account
    without credit: like a wrong key, only its owner can help. Below 400 it is no API that answers.
    """
    if status >= 500 or status in (408, 409):
        return "ProviderUnavailable"
    if status == 429:
        return "RateLimited"
    if status in (401, 402, 403):
        return "AuthenticationFailed"
    return "InvalidRequest" if status >= 400 else "MalformedReply"
