"""What the operations that ask a model have in common: serve, record, respond."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from router.incoming import Incoming
from router.record import record
from router.respond import failed
from router.services import services
from signalbox.contracts.answers import Answer
from signalbox.contracts.requests import InferenceRequest
from signalbox.execution.serve import serve
from signalbox.execution.served import Asked
from signalbox.idempotency.cache import directives
from signalbox.idempotency.keys import idempotency_key
from signalbox.transport.ends import ending_in

# A request cannot have waited longer at the door; more than this is a clock that is off.
MOST_QUEUED_MS = 5_000
# API Gateway waits 29 s.
ANSWER_WITHIN_MS = 28_500

Render = Callable[[Answer, dict[str, str]], Response[str]]


def respond(who: Incoming, request: InferenceRequest, render: Render, *, whole: bool = False) -> Response[str]:
    """Serve ``request``; ``render`` gets its answer and the response's headers.

    ``whole``: in its dialect a message list is the whole conversation. Raises what serving raises; an end without
    an answer becomes its error here, with the routing headers.
    """
    known = services()
    now_ms = known.clock.now_ms()
    asked = Asked(
        request=request,
        arrived_at_ms=min(now_ms, max(who.arrived_at_ms, now_ms - MOST_QUEUED_MS)),
        idempotency_key=idempotency_key(who.headers.get("idempotency-key")),
        cache=directives(who.headers.get("cache-control")),
        whole=whole,
    )
    # Behind it the gateway has given up, and whatever a store still did nobody would hear of.
    with ending_in(ANSWER_WITHIN_MS - (now_ms - asked.arrived_at_ms)):
        served = serve(asked, known)
    record(who, served, known.clock.now_ms() - asked.arrived_at_ms)
    headers = {"x-request-id": who.request_id, **served.headers}
    if served.answer is None:
        error = served.error or RuntimeError("a request ended without an answer and without an error")
        return failed(error, who.request_id, headers)
    return render(served.answer, headers)
