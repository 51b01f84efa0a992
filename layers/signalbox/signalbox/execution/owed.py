"""What a reply owes, and whether it pays: one question, asked of every reply of every plan. Pure."""

from collections.abc import Sequence

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Terms
from signalbox.contracts.messages import ResponseFormat
from signalbox.contracts.passages import Passage
from signalbox.contracts.plans import Violation
from signalbox.contracts.requests import InferenceRequest

NOTHING = ResponseFormat()


def violations(
    reply: AdapterReply, request: InferenceRequest, terms: Terms, passages: Sequence[Passage]
) -> tuple[Violation, ...]:
    """Breaks of the route's contract, of the form that the request asks for and of the citations owed.

    Without a contract of the route's a reply that was cut off at the caller's own limit, or declined, is the
    caller's to handle: SDKs know both by their finish reason.
    """
    form = request.response_format
    if terms.contract is None and reply.finish_reason in ("length", "content_filter"):
        form = NOTHING
    if form.type == "text" and not terms.demands:
        return ()
    from signalbox.integrity.check import check  # the validator is not loaded where nothing is owed
    from signalbox.integrity.demands import demands_of

    return check(reply, demands_of(terms, form, passages))
