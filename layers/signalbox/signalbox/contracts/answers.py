"""What a caller was answered, as it is kept to answer the same again."""

from typing import Any

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.model import Contract


class Answer(Contract):
    """A reply, the routing facts beside it (the ``signalbox`` object) and their headers."""

    request_id: str  # that the model was asked for
    created_at_ms: int  # Unix
    reply: AdapterReply
    facts: dict[str, Any]
    headers: dict[str, str]
