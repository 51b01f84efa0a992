"""The body of ``POST /v1/metrics``."""

from typing import Annotated, Any

from pydantic import Field

from signalbox.contracts.errors import BadRequest
from signalbox.dialects.wire import Wire, validated

Tokens = Annotated[int, Field(ge=0, le=1_000_000_000)]


class MetricsBody(Wire):
    """Either ``tokens``, priced as input, or its two kinds apart. The counts are taken as the model's own."""

    model: str = Field(min_length=1, max_length=256, description="A role, a roster id or a provider's exact id.")
    tokens: Tokens | None = Field(default=None, description="Priced as input tokens.")
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None


def parse_metrics(body: Any) -> tuple[str, int, int]:
    """The model's name, input and output tokens. Raises ``BadRequest``."""
    asked = validated(MetricsBody, body)
    apart = asked.input_tokens is not None or asked.output_tokens is not None
    if asked.tokens is not None and apart:
        message = "tokens are input_tokens; send them or the two kinds apart."
        raise BadRequest("invalid_value", message, param="tokens")
    if asked.tokens is None and not apart:
        raise BadRequest("missing_parameter", "tokens is required, or input_tokens and output_tokens.", param="tokens")
    return asked.model, asked.tokens or asked.input_tokens or 0, asked.output_tokens or 0
