"""Puts beside a request what its route grounds it in: documents, and the form that the reply owes."""

from signalbox.contracts.decisions import Terms
from signalbox.contracts.errors import Unavailable, Unprocessable
from signalbox.contracts.passages import Passage
from signalbox.contracts.requests import InferenceRequest
from signalbox.decision.grounding import bound
from signalbox.execution.services import Services

# Documents are worth this much of a caller's time.
SEARCH_LIMIT_MS = 3_000
RETRY_AFTER_MS = 1_000


def grounded(
    request: InferenceRequest, terms: Terms, services: Services
) -> tuple[InferenceRequest, tuple[Passage, ...]]:
    """``request`` as a model is to see it, and the passages that it may cite.

    Without documents a reply that owes citations could only break its word. Raises ``Unavailable``
    (``retrieval_unavailable``) then, and ``Unprocessable`` (``nothing_to_cite``); where none are owed it goes on
    without.
    """
    request = bound(request, terms)
    if terms.collection is None:
        return request, ()
    from signalbox.retrieval.errors import RetrievalUnavailable
    from signalbox.retrieval.prompt import query_of, with_passages

    try:
        passages = services.collections.search(terms.collection, query_of(request.messages), SEARCH_LIMIT_MS)
    except RetrievalUnavailable:
        if terms.citations:
            told = f"The collection {terms.collection} could not be searched, and the reply owes citations of it."
            raise Unavailable("retrieval_unavailable", told, retry_after_ms=RETRY_AFTER_MS) from None
        return request, ()
    if len(passages) < terms.citations:
        told = f"{terms.collection} has {len(passages)} passages on this; the reply owes {terms.citations} citations."
        raise Unprocessable("nothing_to_cite", told, param="messages")
    return request.model_copy(update={"messages": with_passages(request.messages, passages)}), passages
