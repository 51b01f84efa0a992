"""What a route puts beside a request: a contract for the reply, passages to ground it in. Pure."""

import json

from signalbox.contracts.decisions import Terms
from signalbox.contracts.messages import ResponseFormat
from signalbox.contracts.requests import InferenceRequest
from signalbox.policy.resolved import Policy

_CONTRACT = "reply"


def bound(request: InferenceRequest, terms: Terms) -> InferenceRequest:
    """``request`` under the route's contract, where it asks for no form of its own."""
    if terms.contract is None or request.response_format.type == "json_schema":
        return request
    form = ResponseFormat(type="json_schema", name=_CONTRACT, schema_=terms.contract)
    return request.model_copy(update={"response_format": form})


def added_tokens(terms: Terms, policy: Policy) -> int:
    """The most that contract and passages add, by o200k_base; a byte is never more than a token."""
    added = len(json.dumps(terms.contract).encode()) if terms.contract is not None else 0
    if terms.collection is not None:
        from signalbox.retrieval.prompt import most_bytes  # not loaded where no route has documents

        added += most_bytes(policy.collections[terms.collection])
    return added
