"""One adapter call: attempts inside the deadline, and the price of the one that replied."""

import random
from collections.abc import Callable

from signalbox.adapters.clock import Clock
from signalbox.adapters.provider import AdapterError, Provider, deadline_exceeded
from signalbox.contracts.adapters import AdapterFailure, AdapterReply, AdapterRequest, AdapterResult, Usage

MAX_RETRIES = 2
# The rest fails the same way again, or was paid for.
RETRIED = ("RateLimited", "ProviderUnavailable")
BACKOFF_MS, LONGEST_BACKOFF_MS = 200, 2_000

# (provider, provider_model, usage) -> micro-dollars
Cost = Callable[[str, str, Usage], int]


def run(
    provider: Provider,
    request: AdapterRequest,
    clock: Clock,
    cost: Cost,
    chance: Callable[[], float] = random.random,
) -> AdapterResult:
    """The reply, priced, or the failure of the last attempt. Raises only what ``cost`` raises.

    Rate limits and outages are tried again, twice at most, after a wait of ``Retry-After`` or an
    exponential backoff with full jitter (``chance`` draws from 0..1). A wait that would pass the
    deadline is not begun: the failure goes back at once, so that another model can use the time.
    ``latency_ms`` of either counts from the first attempt.
    """
    started_ms = clock.now_ms()
    for retry in range(MAX_RETRIES + 1):
        try:
            reply = _attempt(provider, request, clock)
        except AdapterError as error:
            failure = error.failure
            wait_ms = _wait_ms(failure, retry, chance)
            if retry == MAX_RETRIES or wait_ms is None or clock.now_ms() + wait_ms >= request.deadline_at_ms:
                break
            clock.sleep_ms(wait_ms)
        else:
            return AdapterResult(reply=_settled(reply, provider, request, cost, clock.now_ms() - started_ms))
    return AdapterResult(failure=failure.model_copy(update={"latency_ms": max(0, clock.now_ms() - started_ms)}))


def _attempt(provider: Provider, request: AdapterRequest, clock: Clock) -> AdapterReply:
    left_ms = request.deadline_at_ms - clock.now_ms()
    if left_ms <= 0:
        raise deadline_exceeded(request)
    return provider.attempt(request, left_ms)


def _wait_ms(failure: AdapterFailure, retry: int, chance: Callable[[], float]) -> int | None:
    """Milliseconds before the next attempt; None when there must be none."""
    if failure.name not in RETRIED:
        return None
    if failure.retry_after_ms is not None:
        return failure.retry_after_ms
    return round(chance() * min(LONGEST_BACKOFF_MS, BACKOFF_MS << retry))


def _settled(
    reply: AdapterReply, provider: Provider, request: AdapterRequest, cost: Cost, latency_ms: int
) -> AdapterReply:
    cost_microusd = cost(provider.name, request.provider_model, reply.usage)
    return reply.model_copy(update={"cost_microusd": cost_microusd, "latency_ms": max(0, latency_ms)})
