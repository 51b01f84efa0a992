from typing import Any

import pytest

from signalbox.contracts.errors import BadRequest
from signalbox.contracts.messages import Message, ResponseFormat, TextPart, ToolCall
from signalbox.contracts.requests import InferenceRequest
from signalbox.dialects import native
from tests.unit.dialects.sdk import EXTRAS, reply

WHO: dict[str, Any] = {"request_id": "req-1", "caller": "shop", "tier": "premium", "path": "/v1/infer"}
TURNS = [{"role": "user", "content": "Hello"}]
USER_HELLO = Message(role="user", content=(TextPart(text="Hello"),))


def parse(**body: Any) -> InferenceRequest:
    return native.parse(body, **WHO)


def refused(**body: Any) -> tuple[str, str | None]:
    with pytest.raises(BadRequest) as caught:
        parse(**body)
    return caught.value.code, caught.value.param


@pytest.mark.row("A6")
def test_a_conversation_is_messages_or_one_string() -> None:
    expected = InferenceRequest(**WHO, messages=(USER_HELLO,), max_output_tokens=512)
    assert parse(conversation=TURNS, max_tokens=512) == expected
    assert parse(conversation="Hello", max_tokens=512) == expected


@pytest.mark.row("A6")
def test_a_conversation_may_be_token_ids() -> None:
    assert parse(conversation=[13225]).messages == (USER_HELLO,)


@pytest.mark.parametrize(
    ("tokens", "code", "param"),
    [
        ([], "invalid_value", "conversation"),
        ([0, "lo"], "invalid_type", "conversation[1]"),
        ([0, TURNS[0]], "invalid_type", "conversation[1]"),
        ([TURNS[0], 0], "invalid_type", "conversation[1]"),
        ([0, True], "invalid_type", "conversation[1]"),
        ([0, -1], "invalid_value", "conversation[1]"),
        ([0, 10**9], "invalid_token_id", "conversation[1]"),
    ],
)
def test_token_ids_are_all_known_ids(tokens: list[Any], code: str, param: str) -> None:
    assert refused(conversation=tokens) == (code, param)


@pytest.mark.row("B4")
def test_text_with_an_id_in_canary_mode() -> None:
    assert parse(id="pay-7", text="Hello", mode="canary") == InferenceRequest(
        **WHO, id="pay-7", messages=(USER_HELLO,), mode="canary"
    )


@pytest.mark.row("C1")
def test_everything_else_that_a_caller_may_say() -> None:
    schema = {"type": "object", "properties": {"merchant_id": {"type": "integer"}}}
    request = parse(
        conversation=TURNS,
        system="Be brief.",
        model="fast",
        workload="summarize",
        priority="low",
        escalation=True,
        needs_compliance_check=True,
        deadline_ms=5000,
        confidence=0.9,
        response_schema=schema,
        temperature=0.1,
        top_p=0.2,
        stop="END",
        seed=1,
        frequency_penalty=0.3,
        presence_penalty=0.4,
        tools=[{"type": "function", "function": {"name": "lookup"}}],
        tool_choice="required",
        user="u",
        metadata={"priority": "is the caller's own word here"},
    )
    assert request.messages == (Message(role="system", content=(TextPart(text="Be brief."),)), USER_HELLO)
    assert request.response_format == ResponseFormat(type="json_schema", name="response", schema_=schema)
    assert request.sampling.model_dump() == {
        "temperature": 0.1,
        "top_p": 0.2,
        "frequency_penalty": 0.3,
        "presence_penalty": 0.4,
        "stop": ("END",),
        "seed": 1,
    }
    assert (request.model, request.workload, request.priority) == ("fast", "summarize", "low")
    assert (request.escalation, request.needs_compliance_check) == (True, True)
    assert (request.deadline_ms, request.confidence, request.user) == (5000, 0.9, "u")
    assert [tool.name for tool in request.tools] == ["lookup"]
    assert request.tool_choice is not None
    assert request.tool_choice.mode == "required"


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_parameter", "conversation"),
        ({"conversation": "x", "text": "y"}, "invalid_value", "conversation"),
        ({"conversation": ""}, "invalid_value", "conversation"),
        ({"text": ""}, "invalid_value", "text"),
        ({"text": ["x"]}, "invalid_type", "text"),
        ({"conversation": {"role": "user"}}, "invalid_type", "conversation"),
        ({"conversation": [*TURNS, {"role": "assistant", "content": "x"}]}, "unsupported_content", "conversation[1]"),
        ({"conversation": [{"role": "user"}]}, "missing_parameter", "conversation[0].content"),
        ({"text": "x", "deadline_ms": 0}, "invalid_value", "deadline_ms"),
        ({"text": "x", "deadline_ms": 900_001}, "invalid_value", "deadline_ms"),
        ({"text": "x", "confidence": 1.01}, "invalid_value", "confidence"),
        ({"text": "x", "mode": "shadow"}, "invalid_value", "mode"),
        ({"text": "x", "escalation": "true"}, "invalid_type", "escalation"),
        ({"text": "x", "response_schema": "object"}, "invalid_type", "response_schema"),
        ({"text": "x", "messages": TURNS}, "invalid_value", "conversation"),
        ({"text": "x", "stream": True}, "unknown_parameter", "stream"),
    ],
)
def test_a_wrong_body_says_where_and_why(body: dict[str, Any], code: str, param: str) -> None:
    assert refused(**body) == (code, param)


@pytest.mark.row("A17")
@pytest.mark.row("B4")
def test_a_reply_names_what_was_asked_and_what_answered() -> None:
    calls = (ToolCall(id="call_1", name="lookup", arguments="{}"),)
    rendered = native.render(
        parse(id="pay-7", text="Hello"), reply(tool_calls=calls, finish_reason="tool_calls"), EXTRAS
    )
    assert rendered == {
        "id": "pay-7",
        "request_id": "req-1",
        "text": "Hello",
        "json": None,
        "tool_calls": [{"id": "call_1", "name": "lookup", "arguments": "{}"}],
        "finish_reason": "tool_calls",
        "refusal": None,
        "model": "small-2026-10-01",
        "usage": {
            "input_tokens": 10,
            "cached_input_tokens": 4,
            "cache_write_tokens": 2,
            "output_tokens": 5,
            "reasoning_tokens": 3,
        },
        "signalbox": EXTRAS,
    }


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ('{"a": 1}', {"type": "object"}, {"a": 1}),
        ('{"a": 1}', None, None),
        ('{"a": 1', {"type": "object"}, None),
        ('{"a": NaN}', {"type": "object"}, None),
        ("[" * 100_000, {"type": "object"}, None),
    ],
)
def test_json_is_the_text_parsed_when_a_schema_was_asked(text: str, schema: Any, value: Any) -> None:
    assert native.render(parse(text="x", response_schema=schema), reply(text=text), {})["json"] == value
