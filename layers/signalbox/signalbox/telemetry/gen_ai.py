"""OpenTelemetry's names for what a model call is about.

https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
"""

from typing import Any

from signalbox.contracts.adapters import AdapterRequest, AdapterResult

OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
RESPONSE_ID = "gen_ai.response.id"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_CREATION_INPUT_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
ERROR_TYPE = "error.type"
HTTP_STATUS = "http.response.status_code"

# Where the roster's word for a provider is not OpenTelemetry's.
_PROVIDERS = {"gemini": "gcp.gemini", "bedrock": "aws.bedrock"}


def call_fields(provider: str, request: AdapterRequest, result: AdapterResult) -> dict[str, Any]:
    """What a log line says of one call of ``provider`` (the roster's word for it); no text, no keys."""
    fields: dict[str, Any] = {
        OPERATION_NAME: "chat",
        PROVIDER_NAME: _PROVIDERS.get(provider, provider),
        REQUEST_MODEL: request.provider_model,
        REQUEST_MAX_TOKENS: request.max_output_tokens,
        "model": request.model,
    }
    if reply := result.reply:
        fields |= {
            RESPONSE_ID: reply.provider_request_id,
            RESPONSE_MODEL: reply.model_version,
            RESPONSE_FINISH_REASONS: [reply.finish_reason],
            USAGE_INPUT_TOKENS: reply.usage.input_tokens,
            USAGE_CACHE_READ_INPUT_TOKENS: reply.usage.cached_input_tokens,
            USAGE_CACHE_CREATION_INPUT_TOKENS: reply.usage.cache_write_tokens,
            USAGE_OUTPUT_TOKENS: reply.usage.output_tokens,
        }
    if failure := result.failure:
        fields |= {ERROR_TYPE: failure.name, HTTP_STATUS: failure.status, RESPONSE_ID: failure.provider_request_id}
    return fields
