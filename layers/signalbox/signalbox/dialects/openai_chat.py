"""OpenAI's chat completions: ``POST /v1/chat/completions`` and ``GET /v1/models``.

Parameters as of the official Python SDK 3.52. One that exists and cannot be honoured is refused
by name (``unsupported_parameter``), one that does not exist is ``unknown_parameter``.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from signalbox.contracts.errors import BadRequest
from signalbox.contracts.messages import ResponseFormat
from signalbox.contracts.requests import InferenceRequest
from signalbox.dialects.fields import Hints, SharedBody, hints, sampling
from signalbox.dialects.messages import MessageList, to_messages, to_tool_choice, to_tools
from signalbox.dialects.openai_reply import model, models, render, render_stream
from signalbox.dialects.wire import Refused, Wire, only, validated

__all__ = ["ChatCompletionBody", "model", "models", "parse", "render", "render_stream"]


class StreamOptions(Wire):
    include_usage: bool | None = None
    include_obfuscation: Annotated[Literal[False] | None, only(False)] = None


class JsonSchemaBody(Wire):
    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema", description="A JSON Schema object.")
    strict: bool | None = None


class ResponseFormatBody(Wire):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaBody | None = None


class ChatCompletionBody(SharedBody):
    """OpenAI's body, with routing hints in ``signalbox`` (the SDK's ``extra_body``) or ``metadata``."""

    messages: MessageList
    max_completion_tokens: int | None = Field(default=None, ge=1, lt=2**63)
    response_format: ResponseFormatBody | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    signalbox: Hints | None = None

    # Only the value that changes nothing.
    n: Annotated[Literal[1] | None, only(1)] = None
    logprobs: Annotated[Literal[False] | None, only(False)] = None
    top_logprobs: Annotated[Literal[0] | None, only(0)] = None
    store: Annotated[Literal[False] | None, only(False)] = None
    modalities: Annotated[list[Literal["text"]] | None, only(["text"])] = None
    logit_bias: Annotated[dict[str, float] | None, only({})] = None
    service_tier: Annotated[Literal["auto", "default"] | None, only("auto", "default")] = None

    audio: Refused
    function_call: Refused
    functions: Refused
    moderation: Refused
    prediction: Refused
    prompt_cache_key: Refused
    prompt_cache_options: Refused
    prompt_cache_retention: Refused
    reasoning_effort: Refused
    safety_identifier: Refused
    verbosity: Refused
    web_search_options: Refused


def parse(body: Any, *, request_id: str, caller: str, tier: str, path: str, key_id: str = "") -> InferenceRequest:
    """``body`` (decoded JSON) as a request. Raises ``BadRequest`` with a stable code and the param."""
    sent = validated(ChatCompletionBody, body)
    tools = to_tools(sent.tools)
    return InferenceRequest(
        request_id=request_id,
        caller=caller,
        key_id=key_id,
        path=path,
        model=sent.model or "auto",
        messages=to_messages(sent.messages, "messages"),
        tools=tools,
        tool_choice=to_tool_choice(sent.tool_choice, tools),
        parallel_tool_calls=sent.parallel_tool_calls,
        response_format=_response_format(sent.response_format),
        sampling=sampling(sent),
        max_output_tokens=_max_output_tokens(sent),
        user=sent.user,
        metadata=sent.metadata or {},
        stream=bool(sent.stream),
        stream_usage=_stream_usage(sent),
        **hints(sent.signalbox, sent.metadata, tier=tier),
    )


def _max_output_tokens(sent: ChatCompletionBody) -> int | None:
    old, new = sent.max_tokens, sent.max_completion_tokens
    if old is not None and new is not None and old != new:
        raise BadRequest("invalid_value", "max_tokens and max_completion_tokens differ; send one.", param="max_tokens")
    return new if new is not None else old


def _stream_usage(sent: ChatCompletionBody) -> bool:
    if sent.stream_options is None:
        return False
    if not sent.stream:
        raise BadRequest("invalid_value", "stream_options is only for stream: true.", param="stream_options")
    return bool(sent.stream_options.include_usage)


def _response_format(sent: ResponseFormatBody | None) -> ResponseFormat:
    if sent is None:
        return ResponseFormat()
    param = "response_format.json_schema"
    if sent.type != "json_schema":
        if sent.json_schema is not None:
            raise BadRequest("invalid_value", f"{param} is only for type json_schema.", param=param)
        return ResponseFormat(type=sent.type)
    asked = sent.json_schema
    if asked is None:
        raise BadRequest("missing_parameter", f"{param} is required.", param=param)
    schema = asked.schema_
    if asked.description is not None:
        # A schema has a place for it that every provider reads; no other dialect has one beside it.
        if schema.get("description", asked.description) != asked.description:
            what = "The schema has a description of its own; send one."
            raise BadRequest("invalid_value", what, param=f"{param}.description")
        schema = {**schema, "description": asked.description}
    return ResponseFormat(type="json_schema", name=asked.name, schema_=schema, strict=asked.strict)
