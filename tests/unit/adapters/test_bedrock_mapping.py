"""AdapterRequest → Converse's body, checked against the service's own model as well."""

import itertools
import json
import re
from functools import cache
from typing import Any

import pytest
from botocore.model import StructureShape
from botocore.session import Session
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from adapters.bedrock.mapping import to_wire
from signalbox.adapters.provider import AdapterError
from signalbox.adapters.tool_ids import fitting
from signalbox.contracts.adapters import AdapterRequest
from signalbox.contracts.messages import ResponseFormat, Tool, ToolChoice
from signalbox.contracts.requests import Sampling
from tests.unit.adapters.samples import TOOL_TURN, WEATHER, a_request, call, conversations, said

_SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}

_NOVA = "global.amazon.nova-2-lite-v1:0"


@cache
def _converse() -> StructureShape:
    shape = Session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape
    assert shape is not None
    return shape


def _checked(request: AdapterRequest) -> dict[str, Any]:
    """The body, once botocore's model of Converse has found nothing unknown or missing in it."""
    body = to_wire(request)
    report = ParamValidator().validate(body | {"modelId": request.provider_model}, _converse())
    assert not report.has_errors(), report.generate_report()
    return body


def test_system_messages_from_anywhere_become_system_blocks() -> None:
    body = _checked(a_request(messages=(said("system", "a", "b"), said("user", "hi"), said("system", "c"))))

    assert body["system"] == [{"text": "a"}, {"text": "b"}, {"text": "c"}]
    assert body["messages"] == [{"role": "user", "content": [{"text": "hi"}]}]


def test_turns_of_one_role_are_merged_and_their_parts_kept_apart() -> None:
    messages = (said("user", "a", "", "b"), said("user", "c"), said("assistant", "d"), said("user", "e"))

    assert _checked(a_request(messages=messages))["messages"] == [
        {"role": "user", "content": [{"text": "a"}, {"text": "b"}, {"text": "c"}]},
        {"role": "assistant", "content": [{"text": "d"}]},
        {"role": "user", "content": [{"text": "e"}]},
    ]


@pytest.mark.row("A17")
def test_parallel_calls_and_their_results_travel_in_one_turn_each() -> None:
    calls = (call("call_1"), call("call_2", arguments=""))
    messages = (
        said("user", "weather?"),
        said("assistant", "Let me see.", calls=calls),
        said("tool", '{"celsius": 4}', answers="call_1"),
        said("tool", "rain", "and wind", answers="call_2"),
    )

    _, asked, answered = _checked(a_request(messages=messages, tools=(WEATHER,)))["messages"]

    assert asked["content"] == [
        {"text": "Let me see."},
        {"toolUse": {"toolUseId": "call_1", "name": "get_weather", "input": {"city": "Oslo"}}},
        {"toolUse": {"toolUseId": "call_2", "name": "get_weather", "input": {}}},
    ]
    assert answered["content"] == [
        {"toolResult": {"toolUseId": "call_1", "content": [{"text": '{"celsius": 4}'}]}},
        {"toolResult": {"toolUseId": "call_2", "content": [{"text": "rain"}, {"text": "and wind"}]}},
    ]


@pytest.mark.row("A17")
@given(st.text(min_size=1, max_size=200))
def test_ids_of_other_providers_are_made_to_fit_alike_in_call_and_result(id_: str) -> None:
    messages = (said("user", "?"), said("assistant", calls=(call(id_),)), said("tool", "4", answers=id_))

    _, asked, answered = _checked(a_request(messages=messages, tools=(WEATHER,)))["messages"]

    sent = asked["content"][0]["toolUse"]["toolUseId"]
    assert answered["content"][0]["toolResult"]["toolUseId"] == sent
    assert re.fullmatch(r"[a-zA-Z0-9_.:-]{1,64}", sent)


def test_ids_that_do_not_fit_stay_distinct() -> None:
    none_fits = re.compile("")

    assert len({fitting(f"{'x' * 100}{index}", none_fits) for index in range(2_000)}) == 2_000
    assert len(fitting("x" * 100, none_fits)) == 40


@pytest.mark.row("A17")
def test_tools_keep_names_descriptions_and_schemas() -> None:
    tools = (
        WEATHER,
        Tool(name="now"),
        Tool(name="find", parameters={"$schema": "x", "type": "object", "minimum": 1}),
        Tool(name="strictly", parameters=_SCHEMA, strict=True),
    )

    assert _checked(a_request(tools=tools))["toolConfig"] == {
        "tools": [
            {
                "toolSpec": {
                    "name": "get_weather",
                    "description": "The weather in a city",
                    "inputSchema": {"json": WEATHER.parameters},
                }
            },
            {"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
            {"toolSpec": {"name": "find", "inputSchema": {"json": {"type": "object", "minimum": 1}}}},
            {"toolSpec": {"name": "strictly", "strict": True, "inputSchema": {"json": _SCHEMA}}},
        ]
    }


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(mode="auto"), {"auto": {}}),
        (ToolChoice(mode="required"), {"any": {}}),
        (ToolChoice(mode="function", name="get_weather"), {"tool": {"name": "get_weather"}}),
    ],
)
def test_tool_choice(choice: ToolChoice, expected: Any) -> None:
    assert _checked(a_request(tools=(WEATHER,), tool_choice=choice))["toolConfig"]["toolChoice"] == expected


def test_no_tool_may_be_called_when_none_is_offered() -> None:
    assert "toolConfig" not in _checked(a_request(tools=(WEATHER,), tool_choice=ToolChoice(mode="none")))


def test_sampling_limits_and_user() -> None:
    sampling = Sampling(temperature=0.0, top_p=0.9, frequency_penalty=0.0, stop=("END",))

    body = _checked(a_request(sampling=sampling, user="u-1@example.com"))

    assert body["inferenceConfig"] == {"maxTokens": 100, "temperature": 0.0, "topP": 0.9, "stopSequences": ["END"]}
    assert body["requestMetadata"] == {"user": "u-1@example.com"}


def test_nothing_is_sent_that_nobody_asked_for() -> None:
    assert _checked(a_request(user="käse")) == {
        "messages": [{"role": "user", "content": [{"text": "hello"}]}],
        "inferenceConfig": {"maxTokens": 100},
    }


def test_json_output_by_schema() -> None:
    form = ResponseFormat(type="json_schema", name="answer", schema_={"$schema": "x", **_SCHEMA})

    text_format = _checked(a_request(response_format=form))["outputConfig"]["textFormat"]

    definition = text_format["structure"]["jsonSchema"]
    assert (text_format["type"], definition["name"], json.loads(definition["schema"])) == (
        "json_schema",
        "answer",
        _SCHEMA,
    )


def test_objects_are_closed_where_the_answer_is_held_to_a_schema() -> None:
    inner = {"type": "object", "properties": {"type": {"type": "string"}}}
    schema = {"type": ["object", "null"], "properties": {"a": {"type": "array", "items": inner}}, "anyOf": [inner]}
    form = ResponseFormat(type="json_schema", schema_=schema)

    definition = _checked(a_request(response_format=form))["outputConfig"]["textFormat"]["structure"]["jsonSchema"]

    shut = {**inner, "additionalProperties": False}
    assert json.loads(definition["schema"]) == {
        "type": ["object", "null"],
        "properties": {"a": {"type": "array", "items": shut}},
        "anyOf": [shut],
        "additionalProperties": False,
    }
    assert "additionalProperties" not in inner


def test_nova_answers_by_schema_through_a_tool_that_it_must_call() -> None:
    form = ResponseFormat(type="json_schema", name="my answer", schema_={"$schema": "x", **_SCHEMA, "minProperties": 1})

    body = _checked(a_request(provider_model=_NOVA, response_format=form))

    spec = {
        "name": "my_answer",
        "description": "Gives the answer",
        "inputSchema": {"json": {**_SCHEMA, "minProperties": 1}},
    }
    assert body["toolConfig"] == {"tools": [{"toolSpec": spec}], "toolChoice": {"tool": {"name": "my_answer"}}}
    assert "outputConfig" not in body


def _nova(schema: Any = _SCHEMA, **changes: Any) -> AdapterRequest:
    form = ResponseFormat(type="json_schema", schema_=schema)
    return a_request(provider_model=_NOVA, response_format=form, **changes)


def _by_schema(**changes: Any) -> AdapterRequest:
    return a_request(response_format=ResponseFormat(type="json_schema", schema_={**_SCHEMA, **changes}))


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (a_request(messages=(said("system", "s"),)), "messages cannot"),
        (a_request(sampling=Sampling(seed=0)), "seed"),
        (a_request(sampling=Sampling(frequency_penalty=0.5)), "frequency_penalty"),
        (a_request(sampling=Sampling(presence_penalty=-0.5)), "presence_penalty"),
        (a_request(tools=(WEATHER,), parallel_tool_calls=False), "parallel_tool_calls"),
        (a_request(tool_choice=ToolChoice(mode="required")), "tool_choice"),
        (a_request(tools=(WEATHER,), tool_choice=ToolChoice(mode="function", name="other")), "tool_choice"),
        (a_request(messages=TOOL_TURN), "tools cannot"),
        (a_request(messages=TOOL_TURN, tools=(WEATHER,), tool_choice=ToolChoice(mode="none")), "tool_choice"),
        (a_request(messages=(said("tool", "4"),), tools=(WEATHER,)), "messages[0].tool_call_id"),
        (
            a_request(messages=(said("assistant", calls=(call(arguments="{"),)),), tools=(WEATHER,)),
            "messages[0].tool_calls[0].function.arguments",
        ),
        (a_request(response_format=ResponseFormat(type="json_object")), "response_format"),
        (_nova(tools=(WEATHER,)), "response_format"),
        (_nova({"type": "array"}), "response_format.json_schema.schema.type"),
        (_by_schema(properties={"n": {"type": "integer", "minimum": 1}}), "schema.properties.n.minimum"),
        (_by_schema(anyOf=[{"type": "string", "maxLength": 3}]), "schema.anyOf[0].maxLength"),
        (_by_schema(additionalProperties={"type": "string"}), "schema.additionalProperties"),
        (_by_schema(properties={"n": {"$ref": "https://example.com/n"}}), "schema.properties.n.$ref"),
        (
            a_request(tools=(Tool(name="f", strict=True, parameters={"type": "object", "items": {"minLength": 1}}),)),
            "tools[0].function.parameters.items.minLength",
        ),
    ],
)
def test_what_cannot_be_carried_is_refused_by_name(request_: AdapterRequest, named: str) -> None:
    with pytest.raises(AdapterError) as refused:
        to_wire(request_)

    assert refused.value.failure.name == "InvalidRequest"
    assert named in refused.value.failure.message


@given(conversations())
def test_every_text_tool_and_result_is_on_the_wire(request_: AdapterRequest) -> None:
    body = _checked(request_)
    blocks = [block for message in body["messages"] for block in message["content"]]
    texts = [block["text"] for block in (*blocks, *body.get("system", [])) if "text" in block]
    calls = [block["toolUse"] for block in blocks if "toolUse" in block]
    results = [block["toolResult"] for block in blocks if "toolResult" in block]
    plain = [message for message in request_.messages if message.role != "tool"]

    assert sorted(texts) == sorted(part.text for message in plain for part in message.content if part.text)
    assert [(sent["toolUseId"], sent["input"]) for sent in calls] == [
        (made.id, json.loads(made.arguments)) for message in plain for made in message.tool_calls
    ]
    assert results == [
        {"toolUseId": message.tool_call_id, "content": [{"text": part.text} for part in message.content]}
        for message in request_.messages
        if message.role == "tool"
    ]
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == [tool.name for tool in request_.tools]
    roles = [message["role"] for message in body["messages"]]
    assert all(one != next_ for one, next_ in itertools.pairwise(roles))
