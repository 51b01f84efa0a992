"""What a reply owes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from signalbox.contracts.decisions import Terms
from signalbox.contracts.messages import ResponseFormat
from signalbox.contracts.passages import Passage

ANY_OBJECT: dict[str, Any] = {"type": "object"}


@dataclass(frozen=True)
class Demands:
    """``contract`` is the route's schema, ``schema`` the request's own; a reply owes both.

    ``citations``: of how many different ``documents`` at least; those are the only ones that may be cited.
    ``grounded``: the route has documents at all, so every reference in a reply must be to one of them.
    """

    contract: dict[str, Any] | None = None
    schema: dict[str, Any] | None = None
    citations: int = 0
    documents: frozenset[str] = frozenset()
    grounded: bool = False

    @property
    def schemas(self) -> bool:
        return self.contract is not None or self.schema is not None

    @property
    def any(self) -> bool:
        """Whether there is anything to check."""
        return self.schemas or self.grounded or self.citations > 0


def demands_of(terms: Terms, response_format: ResponseFormat, passages: Sequence[Passage]) -> Demands:
    """Of a route, of what the caller asked for, and of what was put before the model."""
    asked = _asked(response_format)
    return Demands(
        contract=terms.contract,
        schema=None if asked == terms.contract else asked,
        citations=terms.citations,
        documents=frozenset(one.id for one in passages),
        grounded=terms.collection is not None or terms.citations > 0 or bool(passages),
    )


def _asked(response_format: ResponseFormat) -> dict[str, Any] | None:
    match response_format.type:
        case "text":
            return None
        case "json_object":
            return ANY_OBJECT
        case "json_schema":
            return response_format.schema_ if response_format.schema_ is not None else ANY_OBJECT
