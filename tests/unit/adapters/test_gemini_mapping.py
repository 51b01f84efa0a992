"""AdapterRequest → generateContent's body."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gemini.call_ids import FOREIGN_SIGNATURE, decode, encode
from adapters.gemini.dialect import Gemini
from adapters.gemini.mapping import to_wire
from adapters.gemini.wire import FunctionCall
from signalbox.adapters.provider import AdapterError
from signalbox.contracts.adapters import AdapterRequest
from signalbox.contracts.messages import ResponseFormat, Tool, ToolChoice
from signalbox.contracts.requests import Sampling
from tests.unit.adapters.samples import TOOL_TURN, WEATHER, a_request, call, conversations, said


def test_system_messages_from_anywhere_become_the_system_instruction() -> None:
    body = to_wire(a_request(messages=(said("system", "a", "b"), said("user", "hi"), said("system", "c"))))

    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}, {"text": "c"}]}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}]


def test_turns_of_one_role_are_merged_and_their_parts_kept_apart() -> None:
    messages = (said("user", "a", "", "b"), said("user", "c"), said("assistant", "d"), said("user", "e"))

    assert to_wire(a_request(messages=messages))["contents"] == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}, {"text": "c"}]},
        {"role": "model", "parts": [{"text": "d"}]},
        {"role": "user", "parts": [{"text": "e"}]},
    ]


@pytest.mark.row("A17")
def test_parallel_calls_and_their_results_travel_in_one_turn_each() -> None:
    calls = (call("call_1"), call("call_2", arguments='{"city": "Bergen"}'))
    messages = (
        said("user", "weather?"),
        said("assistant", "Let me see.", calls=calls),
        said("tool", '{"celsius": 4}', answers="call_1"),
        said("tool", "rain", answers="call_2"),
    )

    _, asked, answered = to_wire(a_request(messages=messages, tools=(WEATHER,)))["contents"]

    assert asked["role"] == "model"
    assert asked["parts"] == [
        {"text": "Let me see."},
        {
            "functionCall": {"id": "call_1", "name": "get_weather", "args": {"city": "Oslo"}},
            "thoughtSignature": FOREIGN_SIGNATURE,
        },
        {"functionCall": {"id": "call_2", "name": "get_weather", "args": {"city": "Bergen"}}},
    ]
    assert answered == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "call_1", "name": "get_weather", "response": {"celsius": 4}}},
            {"functionResponse": {"id": "call_2", "name": "get_weather", "response": {"result": "rain"}}},
        ],
    }


@pytest.mark.row("A17")
def test_a_thought_signature_comes_back_as_it_went() -> None:
    signature = "CiQB+/8="
    id_ = encode(FunctionCall(name="get_weather", id="fc-1"), signature, "reply", 0)
    messages = (said("user", "?"), said("assistant", calls=(call(id_), call("fc-2"))), said("tool", "4", answers=id_))

    _, asked, answered = to_wire(a_request(messages=messages, tools=(WEATHER,)))["contents"]

    assert [part.get("thoughtSignature") for part in asked["parts"]] == [signature, None]
    assert asked["parts"][0]["functionCall"]["id"] == "fc-1"
    assert answered["parts"][0]["functionResponse"]["id"] == "fc-1"


@given(st.binary(min_size=1, max_size=60), st.none() | st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True))
def test_call_ids_carry_any_signature_in_letters_every_provider_takes(signature: bytes, id_: str | None) -> None:
    import base64

    sent = base64.b64encode(signature).decode()
    packed = encode(FunctionCall(name="f", id=id_), sent, "reply-1", 3)

    assert decode(packed) == (id_ or "call_reply-1_3", sent)
    assert all(letter.isalnum() or letter in "_-" for letter in packed)


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ('{"a": 1}', {"a": 1}),
        ("[1, 2]", {"result": "[1, 2]"}),
        ("42", {"result": "42"}),
        ("", {"result": ""}),
        ('{"a": NaN}', {"result": '{"a": NaN}'}),
        ('{"a": 1e999}', {"result": '{"a": 1e999}'}),
        ('{"a": ' * 100_000, {"result": '{"a": ' * 100_000}),
    ],
    ids=["object", "list", "number", "empty", "nan", "infinite", "deep"],
)
def test_a_tool_result_is_always_an_object(text: str, response: Any) -> None:
    messages = (*TOOL_TURN[:2], said("tool", text, answers="call_1"))

    sent = to_wire(a_request(messages=messages))["contents"][-1]["parts"][0]["functionResponse"]["response"]

    assert sent == response


@pytest.mark.row("A17")
def test_tools_keep_names_descriptions_and_schemas() -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "patternProperties": {}}
    tools = (WEATHER, Tool(name="now"), Tool(name="find", parameters=schema))

    assert to_wire(a_request(tools=tools))["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "get_weather",
                    "description": "The weather in a city",
                    "parametersJsonSchema": WEATHER.parameters,
                },
                {"name": "now"},
                {"name": "find", "parametersJsonSchema": {"type": "object", "patternProperties": {}}},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("choice", "strict", "expected"),
    [
        (None, None, {"mode": "AUTO"}),
        (ToolChoice(mode="auto"), True, {"mode": "VALIDATED"}),
        (ToolChoice(mode="none"), None, {"mode": "NONE"}),
        (ToolChoice(mode="required"), None, {"mode": "ANY"}),
        (
            ToolChoice(mode="function", name="get_weather"),
            True,
            {"mode": "ANY", "allowedFunctionNames": ["get_weather"]},
        ),
    ],
)
def test_tool_choice(choice: ToolChoice | None, strict: bool | None, expected: Any) -> None:
    tools = (WEATHER.model_copy(update={"strict": strict}),)

    assert to_wire(a_request(tools=tools, tool_choice=choice))["toolConfig"] == {"functionCallingConfig": expected}


def test_sampling_and_limits() -> None:
    sampling = Sampling(temperature=0.0, top_p=0.9, frequency_penalty=0.1, presence_penalty=0.2, stop=("END",), seed=0)

    assert to_wire(a_request(sampling=sampling))["generationConfig"] == {
        "maxOutputTokens": 100,
        "temperature": 0.0,
        "topP": 0.9,
        "frequencyPenalty": 0.1,
        "presencePenalty": 0.2,
        "stopSequences": ["END"],
        "seed": 0,
    }


def test_nothing_is_sent_that_nobody_asked_for() -> None:
    assert to_wire(a_request()) == {
        "contents": [{"role": "user", "parts": [{"text": "hello"}]}],
        "generationConfig": {"maxOutputTokens": 100},
    }


def test_json_output() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    by_schema = a_request(response_format=ResponseFormat(type="json_schema", name="answer", schema_=schema))
    free = a_request(response_format=ResponseFormat(type="json_object"))

    config = to_wire(by_schema)["generationConfig"]
    assert (config["responseMimeType"], config["responseJsonSchema"]) == ("application/json", schema)
    assert to_wire(free)["generationConfig"] == {"maxOutputTokens": 100, "responseMimeType": "application/json"}


_LOOSE = {"type": "object", "properties": {"pattern": {"type": "string", "pattern": "^a"}}}


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (a_request(messages=(said("system", "s"),)), "messages cannot"),
        (a_request(tools=(WEATHER,), parallel_tool_calls=False), "parallel_tool_calls"),
        (a_request(tool_choice=ToolChoice(mode="required")), "tool_choice"),
        (a_request(tools=(WEATHER,), tool_choice=ToolChoice(mode="function", name="other")), "tool_choice"),
        (a_request(messages=(said("user", "?"), said("tool", "4", answers="call_9"))), "messages[1].tool_call_id"),
        (
            a_request(messages=(said("user", "?"), said("assistant", calls=(call(arguments="[1]"),)))),
            "messages[1].tool_calls[0].function.arguments",
        ),
        (
            a_request(response_format=ResponseFormat(type="json_schema", schema_=_LOOSE, strict=True)),
            "response_format.json_schema.schema.properties.pattern.pattern cannot",
        ),
        (
            a_request(tools=(Tool(name="f", parameters=_LOOSE, strict=True),)),
            "tools[0].function.parameters.properties.pattern.pattern cannot",
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
    body = to_wire(request_)
    parts = [part for content in body["contents"] for part in content["parts"]]
    texts = [
        part["text"] for part in (*parts, *body.get("systemInstruction", {"parts": []})["parts"]) if "text" in part
    ]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    plain = [message for message in request_.messages if message.role != "tool"]
    tools = [message for message in request_.messages if message.role == "tool"]

    assert sorted(texts) == sorted(part.text for message in plain for part in message.content if part.text)
    assert [(sent["id"], sent["args"]) for sent in calls] == [
        (made.id, json.loads(made.arguments)) for message in plain for made in message.tool_calls
    ]
    assert [sent["id"] for sent in results] == [message.tool_call_id for message in tools]
    for sent, message in zip(results, tools, strict=True):
        assert sent["response"] in ({"result": message.text}, _object(message.text))
    assert [tool["name"] for tool in body["tools"][0]["functionDeclarations"]] == [tool.name for tool in request_.tools]


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def test_where_and_as_whom() -> None:
    dialect = Gemini("http://127.0.0.1:1/")

    assert (
        dialect.url(a_request(provider_model="gemini-x")) == "http://127.0.0.1:1/v1beta/models/gemini-x:generateContent"
    )
    assert dialect.url(a_request(provider_model="../x")).endswith("/models/..%2Fx:generateContent")
    assert dialect.headers("k") == {"x-goog-api-key": "k"}
    assert dialect.headers(None) == {}


@pytest.mark.row("A8")
def test_log_probabilities_which_no_model_gives_are_never_asked_for() -> None:
    for model in ("gemini-3.5-flash-lite", "gemini-3.8-flash", "gemini-2.5-pro"):
        asked = a_request(provider_model=model, logprobs=True)
        assert to_wire(asked) == to_wire(asked.model_copy(update={"logprobs": False}))
