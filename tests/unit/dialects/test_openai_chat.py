from typing import Any

import pytest

from signalbox.contracts.errors import BadRequest
from signalbox.contracts.messages import Message, TextPart, Tool, ToolCall, ToolChoice
from signalbox.contracts.requests import InferenceRequest, Sampling
from signalbox.dialects import openai_chat
from tests.unit.dialects.sdk import WHO, sent_by_sdk

HELLO = [{"role": "user", "content": "Hello"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "lookup", "arguments": '{"id": 7}'}}
TOOL = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}, "strict": True}}
SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}}}


def parse(**body: Any) -> InferenceRequest:
    return openai_chat.parse({"messages": HELLO, **body}, **WHO)


def refused(**body: Any) -> tuple[str, str | None]:
    with pytest.raises(BadRequest) as caught:
        parse(**body)
    return caught.value.code, caught.value.param


@pytest.mark.row("A17")
@pytest.mark.row("D2")
def test_everything_the_sdk_sends_arrives() -> None:
    request = sent_by_sdk(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "And kind."}]},
            {"role": "user", "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "two"}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "found"},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            {"role": "assistant", "content": "", "refusal": "Never."},
            {"role": "assistant", "content": "Well:", "refusal": "no."},
            {"role": "user", "content": "Why?"},
        ],
        tools=[TOOL],
        tool_choice={"type": "function", "function": {"name": "lookup"}},
        parallel_tool_calls=False,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "item", "schema": SCHEMA, "strict": True, "description": "An item."},
        },
        max_completion_tokens=99,
        max_tokens=99,
        temperature=0,
        top_p=0.5,
        frequency_penalty=-1.5,
        presence_penalty=2,
        stop=["END", "\n\n"],
        seed=42,
        user="u-1",
        metadata={"team": "billing"},
        stream=True,
        stream_options={"include_usage": True, "include_obfuscation": False},
        n=1,
        logprobs=False,
        store=False,
        modalities=["text"],
        logit_bias={},
        service_tier="auto",
        extra_body={"signalbox": {"workload": "extract", "priority": "high", "mode": "canary", "deadline_ms": 900}},
    )

    def said(role: Any, *texts: str, **more: Any) -> Message:
        return Message(role=role, content=tuple(TextPart(text=text) for text in texts), **more)

    assert request == InferenceRequest(
        **WHO,
        model="auto",
        messages=(
            said("system", "Be brief."),
            said("system", "And kind."),
            said("user", "One", "two"),
            said("assistant", tool_calls=(ToolCall(id="call_1", name="lookup", arguments='{"id": 7}'),)),
            said("tool", "found", tool_call_id="call_1"),
            said("assistant", "No."),
            said("assistant", "Never."),
            said("assistant", "Well:", "no."),
            said("user", "Why?"),
        ),
        tools=(Tool(name="lookup", parameters={"type": "object"}, strict=True),),
        tool_choice=ToolChoice(mode="function", name="lookup"),
        parallel_tool_calls=False,
        response_format={  # type: ignore[arg-type]
            "type": "json_schema",
            "name": "item",
            "schema_": {**SCHEMA, "description": "An item."},
            "strict": True,
        },
        sampling=Sampling(
            temperature=0, top_p=0.5, frequency_penalty=-1.5, presence_penalty=2, stop=("END", "\n\n"), seed=42
        ),
        max_output_tokens=99,
        user="u-1",
        metadata={"team": "billing"},
        stream=True,
        stream_usage=True,
        workload="extract",
        priority="high",
        mode="canary",
        deadline_ms=900,
    )


def test_null_is_the_same_as_absent() -> None:
    optional = [name for name in openai_chat.ChatCompletionBody.model_fields if name != "messages"]
    assert len(optional) > 30
    assert parse(**dict.fromkeys(optional)) == parse()


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_tool_choice_by_mode(choice: str) -> None:
    assert parse(tools=[TOOL], tool_choice=choice).tool_choice == ToolChoice.model_validate({"mode": choice})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("n", True),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("store", True),
        ("modalities", ["text", "audio"]),
        ("modalities", []),
        ("logit_bias", {"50256": -100}),
        ("service_tier", "flex"),
        ("audio", {"voice": "ash", "format": "mp3"}),
        ("function_call", "auto"),
        ("functions", [{"name": "f"}]),
        ("moderation", {"model": "omni-moderation-latest"}),
        ("prediction", {"type": "content", "content": "x"}),
        ("prompt_cache_key", "k"),
        ("prompt_cache_options", {"mode": "explicit"}),
        ("prompt_cache_retention", "24h"),
        ("reasoning_effort", "low"),
        ("safety_identifier", "s"),
        ("verbosity", "low"),
        ("web_search_options", {}),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(name: str, value: Any) -> None:
    assert refused(**{name: value}) == ("unsupported_parameter", name)


def test_every_parameter_of_the_sdk_is_known() -> None:
    from openai.types.chat import completion_create_params as sdk

    known = set(openai_chat.ChatCompletionBody.model_fields)
    assert known - {"signalbox"} == set(sdk.CompletionCreateParamsStreaming.__annotations__) | set(
        sdk.CompletionCreateParamsBase.__annotations__
    )


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"messages": []}, "invalid_value", "messages"),
        ({"messages": "Hi"}, "invalid_type", "messages"),
        ({"messages": ["Hi"]}, "invalid_type", "messages[0]"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "invalid_value", "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "missing_parameter", "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "missing_parameter", "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "invalid_type", "messages[0].content"),
        ({"messages": [{"role": "user", "content": []}]}, "invalid_value", "messages[0].content"),
        ({"messages": [{"role": "system", "content": "x"}]}, "invalid_value", "messages"),
        ({"messages": [*HELLO, {"role": "assistant", "content": "x"}]}, "unsupported_content", "messages[1]"),
        ({"messages": [{**HELLO[0], "name": "Ann"}]}, "unsupported_parameter", "messages[0].name"),
        ({"messages": [{**HELLO[0], "nmae": "Ann"}]}, "unknown_parameter", "messages[0].nmae"),
        ({"messages": [{**HELLO[0], "refusal": "no"}]}, "invalid_value", "messages[0].refusal"),
        ({"messages": [{**HELLO[0], "tool_calls": [CALL]}]}, "invalid_value", "messages[0].tool_calls"),
        ({"messages": [{**HELLO[0], "tool_call_id": "c"}]}, "invalid_value", "messages[0].tool_call_id"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "unsupported_parameter", "tools[0]"),
        ({"tools": [TOOL, TOOL]}, "invalid_value", "tools[1].function.name"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "invalid_value", "tools[0].function.name"),
        ({"tool_choice": "required"}, "invalid_value", "tool_choice"),
        ({"tool_choice": "any"}, "invalid_value", "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "unsupported_parameter", "tool_choice"),
        ({"tool_choice": {"type": "custom", "custom": {"name": "x"}}}, "unsupported_parameter", "tool_choice"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "other"}}},
            "invalid_value",
            "tool_choice.function.name",
        ),
        ({"temperature": 2.1}, "invalid_value", "temperature"),
        ({"temperature": "1"}, "invalid_type", "temperature"),
        ({"max_tokens": 0}, "invalid_value", "max_tokens"),
        ({"max_tokens": 1.5}, "invalid_type", "max_tokens"),
        ({"max_tokens": True}, "invalid_type", "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "invalid_value", "max_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "invalid_value", "stop"),
        ({"stop": ["a", 5]}, "invalid_type", "stop[1]"),
        ({"metadata": {str(at): "x" for at in range(17)}}, "invalid_value", "metadata"),
        ({"metadata": {"k": "x" * 513}}, "invalid_value", "metadata.k"),
        ({"metadata": {"k": 5}}, "invalid_type", "metadata.k"),
        ({"response_format": {"type": "json_schema"}}, "missing_parameter", "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            "missing_parameter",
            "response_format.json_schema.schema",
        ),
        (
            {"response_format": {"type": "text", "json_schema": {"name": "x", "schema": {}}}},
            "invalid_value",
            "response_format.json_schema",
        ),
        ({"stream_options": {"include_usage": True}}, "invalid_value", "stream_options"),
        (
            {"stream": True, "stream_options": {"include_obfuscation": True}},
            "unsupported_parameter",
            "stream_options.include_obfuscation",
        ),
        ({"top_k": 5}, "unknown_parameter", "top_k"),
        ({"signalbox": {"priority": "urgent"}}, "invalid_value", "signalbox.priority"),
        ({"signalbox": {"prio": "high"}}, "unknown_parameter", "signalbox.prio"),
        ({"signalbox": {"deadline_ms": 900_001}}, "invalid_value", "signalbox.deadline_ms"),
    ],
)
def test_a_wrong_body_says_where_and_why(body: dict[str, Any], code: str, param: str) -> None:
    assert refused(**body) == (code, param)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:"}},
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "refusal", "refusal": "no"},
    ],
)
def test_content_that_is_no_text_is_refused_by_name(part: dict[str, Any]) -> None:
    messages = [*HELLO, {"role": "assistant", "content": "?"}, {"role": "user", "content": [_text("x"), part]}]
    assert refused(messages=messages) == ("unsupported_content", "messages[2].content[1]")


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


@pytest.mark.row("A17")
@pytest.mark.parametrize(
    ("call", "answer", "code", "param"),
    [
        ({}, {"tool_call_id": "call_2"}, "invalid_value", "messages[2].tool_call_id"),
        ({}, {"tool_call_id": None}, "missing_parameter", "messages[2].tool_call_id"),
        ({}, {"name": "other"}, "invalid_value", "messages[2].name"),
        ({"type": "custom"}, {}, "unsupported_parameter", "messages[1].tool_calls[0]"),
        (
            {"function": {"name": "lookup", "arguments": {"id": 7}}},
            {},
            "invalid_type",
            "messages[1].tool_calls[0].function.arguments",
        ),
        (
            {"function": {"name": "", "arguments": "{}"}},
            {},
            "invalid_value",
            "messages[1].tool_calls[0].function.name",
        ),
    ],
)
def test_a_tool_turn_answers_a_call(call: dict[str, Any], answer: dict[str, Any], code: str, param: str) -> None:
    def turns(call: dict[str, Any], answer: dict[str, Any]) -> list[dict[str, Any]]:
        answered = {"role": "tool", "tool_call_id": "call_1", "name": "lookup", "content": "x", **answer}
        return [*HELLO, {"role": "assistant", "tool_calls": [{**CALL, **call}]}, answered]

    assert parse(messages=turns({}, {})).messages[2].tool_call_id == "call_1"
    assert refused(messages=turns(call, answer)) == (code, param)


@pytest.mark.row("C1")
def test_hints_may_stand_in_metadata() -> None:
    metadata = {"priority": "high", "escalation": "true", "confidence": "0.75", "deadline_ms": "5000", "team": "a"}
    request = parse(metadata=metadata, signalbox={"priority": "high", "needs_compliance_check": True})
    assert (request.priority, request.escalation, request.needs_compliance_check) == ("high", True, True)
    assert (request.confidence, request.deadline_ms, request.metadata) == (0.75, 5000, metadata)


@pytest.mark.row("C1")
@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("priority", "urgent", "invalid_value"),
        ("escalation", "yes", "invalid_type"),
        ("deadline_ms", "0", "invalid_value"),
        ("deadline_ms", "5s", "invalid_type"),
        ("confidence", "1.5", "invalid_value"),
        ("confidence", "nan", "invalid_type"),
    ],
)
def test_a_bad_hint_in_metadata_is_named(name: str, text: str, code: str) -> None:
    assert refused(metadata={name: text}) == (code, f"metadata.{name}")


def test_a_hint_given_twice_must_agree() -> None:
    assert refused(metadata={"priority": "low"}, signalbox={"priority": "high"}) == (
        "invalid_value",
        "metadata.priority",
    )


def test_a_schema_with_two_descriptions_is_refused() -> None:
    asked = {"name": "x", "description": "One.", "schema": {"description": "Two."}}
    body = {"type": "json_schema", "json_schema": asked}
    assert refused(response_format=body) == ("invalid_value", "response_format.json_schema.description")
