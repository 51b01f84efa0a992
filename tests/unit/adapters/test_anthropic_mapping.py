import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from adapters.anthropic.dialect import Anthropic
from adapters.anthropic.mapping import to_wire
from signalbox.adapters.json_schemas import closed
from signalbox.adapters.provider import AdapterError
from signalbox.contracts.adapters import AdapterRequest
from signalbox.contracts.messages import ResponseFormat, Tool, ToolChoice
from signalbox.contracts.requests import Sampling
from tests.unit.adapters.samples import TOOL_TURN, WEATHER, a_request, call, conversations, said


def text(value: str) -> dict[str, str]:
    return {"type": "text", "text": value}


def test_a_plain_request() -> None:
    assert to_wire(a_request(user="u1")) == {
        "model": "provider-model-1",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": [text("hello")]}],
        "metadata": {"user_id": "u1"},
    }


def test_system_messages_are_hoisted_in_their_order() -> None:
    messages = (said("system", "a", "b"), said("user", "hi"), said("system", "c"), said("user", "there"))
    wire = to_wire(a_request(messages=messages))
    assert wire["system"] == [text("a"), text("b"), text("c")]
    assert wire["messages"] == [{"role": "user", "content": [text("hi"), text("there")]}]


@pytest.mark.row("A17")
def test_results_of_parallel_calls_share_one_user_turn() -> None:
    calls = (call("1"), call("2", arguments=""))
    messages = (
        said("user", "weather?"),
        said("assistant", "looking", calls=calls),
        said("tool", "4", answers="1"),
        said("tool", answers="2"),
        said("user", "well?"),
    )
    wire = to_wire(a_request(messages=messages, tools=(WEATHER,)))
    assert wire["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                text("looking"),
                {"type": "tool_use", "id": "1", "name": "get_weather", "input": {"city": "Oslo"}},
                {"type": "tool_use", "id": "2", "name": "get_weather", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": [text("4")]},
                {"type": "tool_result", "tool_use_id": "2"},
                text("well?"),
            ],
        },
    ]


@pytest.mark.row("A17")
@pytest.mark.parametrize(
    ("choice", "parallel", "wire"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        ("function", None, {"type": "tool", "name": "get_weather"}),
    ],
)
def test_tool_choice(choice: Any, parallel: bool | None, wire: dict[str, Any] | None) -> None:
    name = "get_weather" if choice == "function" else None
    asked = ToolChoice(mode=choice, name=name) if choice else None
    request = a_request(tools=(WEATHER,), tool_choice=asked, parallel_tool_calls=parallel)
    assert to_wire(request).get("tool_choice") == wire


@pytest.mark.row("A17")
def test_tools() -> None:
    tools = (Tool(name="now"), Tool(name="then", strict=True, parameters={"properties": {"at": {"type": "object"}}}))
    assert to_wire(a_request(tools=tools))["tools"] == [
        {"name": "now", "input_schema": {"type": "object"}},
        {
            "name": "then",
            "strict": True,
            "input_schema": {
                "type": "object",
                "properties": {"at": {"type": "object", "additionalProperties": False}},
                "additionalProperties": False,
            },
        },
    ]


@pytest.mark.row("A17")
def test_tools_that_are_offered_no_more_are_declared_but_not_callable() -> None:
    wire = to_wire(a_request(messages=TOOL_TURN))
    assert wire["tools"] == [{"name": "get_weather", "input_schema": {"type": "object"}}]
    assert wire["tool_choice"] == {"type": "none"}


def test_a_schema_is_closed_where_it_is_silent() -> None:
    schema = {
        "type": "object",
        "properties": {"open": {"type": ["object", "null"], "additionalProperties": True}, "type": {"const": {}}},
        "$defs": {"list": {"type": "array", "items": {"anyOf": [{"type": "object"}, True]}}},
    }
    wire = to_wire(a_request(response_format=ResponseFormat(type="json_schema", name="x", schema_=schema)))
    assert wire["output_config"] == {"format": {"type": "json_schema", "schema": closed(schema)}}
    assert closed(schema) == {
        "type": "object",
        "properties": {"open": {"type": ["object", "null"], "additionalProperties": True}, "type": {"const": {}}},
        "$defs": {
            "list": {"type": "array", "items": {"anyOf": [{"type": "object", "additionalProperties": False}, True]}}
        },
        "additionalProperties": False,
    }


def test_sampling() -> None:
    sampling = Sampling(temperature=0.0, top_p=0.9, stop=("END",), presence_penalty=0.0)
    wire = to_wire(a_request(sampling=sampling))
    assert {name: wire[name] for name in ("temperature", "top_p", "stop_sequences")} == {
        "temperature": 0.0,
        "top_p": 0.9,
        "stop_sequences": ["END"],
    }


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"sampling": Sampling(seed=7)}, "seed"),
        ({"sampling": Sampling(frequency_penalty=0.5)}, "frequency_penalty"),
        ({"sampling": Sampling(presence_penalty=-0.5)}, "presence_penalty"),
        ({"response_format": ResponseFormat(type="json_object")}, "response_format"),
        ({"messages": (said("user"),)}, "messages.0.content"),
        ({"messages": (said("assistant", calls=(call(arguments="[1]"),)),)}, "messages.0.tool_calls"),
        ({"tool_choice": ToolChoice(mode="required")}, "tool_choice"),
        ({"messages": (said("tool", "4"),)}, "messages.0.tool_call_id"),
    ],
)
def test_what_cannot_be_carried_is_refused_by_name(changes: dict[str, Any], parameter: str) -> None:
    with pytest.raises(AdapterError) as raised:
        to_wire(a_request(**changes))
    assert raised.value.failure.name == "InvalidRequest"
    assert raised.value.failure.message.startswith(parameter)


def test_where_and_with_what_it_is_sent() -> None:
    assert Anthropic("http://double/").url(a_request()) == "http://double/v1/messages"
    assert Anthropic().headers("k") == {"anthropic-version": "2023-06-01", "x-api-key": "k"}
    assert Anthropic().headers(None) == {"anthropic-version": "2023-06-01"}


@pytest.mark.row("A17")
def test_ids_of_another_providers_calls_still_fit_and_match() -> None:
    id_ = "gemini:" + "s" * 500
    turns = (said("user", "weather?"), said("assistant", calls=(call(id_),)), said("tool", "4", answers=id_))
    _, asked, answered = to_wire(a_request(messages=turns, tools=(WEATHER,)))["messages"]
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", asked["content"][0]["id"])
    assert asked["content"][0]["id"] == answered["content"][0]["tool_use_id"]


@given(conversations())
def test_nothing_is_lost_and_turns_alternate(request: AdapterRequest) -> None:
    if any(not message.content and not message.tool_calls for message in request.messages if message.role != "system"):
        with pytest.raises(AdapterError):
            to_wire(request)
        return
    wire = to_wire(request)
    blocks = [block for turn in wire["messages"] for block in turn["content"]]
    roles = [turn["role"] for turn in wire["messages"]]
    assert all(one != other for one, other in pairwise(roles))
    spoken = [part.text for message in request.messages if message.role != "system" for part in message.content]
    inner = [block.get("content", [block]) for block in blocks if block["type"] in ("text", "tool_result")]
    assert [block["text"] for run in inner for block in run] == spoken
    system = [part.text for message in request.messages if message.role == "system" for part in message.content]
    assert [block["text"] for block in wire.get("system", [])] == system
    calls = [(made.id, made.name, json.loads(made.arguments)) for said in request.messages for made in said.tool_calls]
    assert [(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"] == calls
    answered = [message.tool_call_id for message in request.messages if message.role == "tool"]
    assert [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"] == answered
    assert [tool["name"] for tool in wire["tools"]] == [tool.name for tool in request.tools]


def test_thinking_can_be_switched_off_and_nothing_between() -> None:
    assert to_wire(a_request(reasoning_effort="none"))["thinking"] == {"type": "disabled"}
    assert "thinking" not in to_wire(a_request())
    with pytest.raises(AdapterError, match="reasoning_effort"):
        to_wire(a_request(reasoning_effort="low"))
