from typing import Any

import pytest
from hypothesis import given

from adapters.openai.dialect import OpenAI
from adapters.openai.mapping import to_wire
from adapters.openai.servers import Server, server_of
from signalbox.adapters.provider import AdapterError
from signalbox.contracts.adapters import AdapterRequest, ReasoningEffort
from signalbox.contracts.messages import ResponseFormat, Tool, ToolChoice
from signalbox.contracts.requests import Sampling
from tests.unit.adapters.samples import TOOL_TURN, WEATHER, a_request, call, conversations, said


@pytest.mark.parametrize(
    ("server", "names"),
    [
        ("openai", {"max_completion_tokens": 100, "safety_identifier": "u1"}),
        ("azure", {"max_completion_tokens": 100, "user": "u1"}),
        ("compatible", {"max_tokens": 100, "user": "u1"}),
    ],
)
def test_a_plain_request(server: Server, names: dict[str, Any]) -> None:
    assert to_wire(a_request(user="u1"), server) == {
        "model": "provider-model-1",
        "messages": [{"role": "user", "content": "hello"}],
        **names,
    }


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("gpt-6-luna", "max_completion_tokens"),
        ("openai/gpt-5.4", "max_completion_tokens"),
        ("o3-mini", "max_completion_tokens"),
        ("gpt-oss-120b", "max_tokens"),
        ("gpt-4.1", "max_tokens"),
        ("ollama3", "max_tokens"),
    ],
)
def test_the_output_limit_behind_a_gateway(model: str, limit: str) -> None:
    names = {"max_tokens", "max_completion_tokens"}
    assert names & set(to_wire(a_request(provider_model=model), "compatible")) == {limit}


@pytest.mark.parametrize(
    ("base_url", "server"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://acme.openai.azure.com/openai/v1/", "azure"),
        ("https://acme.services.ai.azure.com/openai/v1", "azure"),
        ("http://127.0.0.1:11434/v1", "compatible"),
        ("https://api.openai.com.evil.example/v1", "compatible"),
        ("https://notapi.openai.com/v1", "compatible"),
    ],
)
def test_who_is_behind_a_base_url(base_url: str, server: str) -> None:
    assert server_of(base_url) == server


@pytest.mark.row("A17")
def test_roles_parts_and_tools_stay_as_they_are() -> None:
    messages = (said("system", "a"), said("user", "b", "c"), *TOOL_TURN, said("assistant", "d", calls=(call("2"),)))
    wire = to_wire(a_request(messages=messages), "openai")
    function = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
    assert wire["messages"] == [
        {"role": "system", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        {"role": "user", "content": "weather?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": '{"celsius": 4}', "tool_call_id": "call_1"},
        {"role": "assistant", "content": "d", "tool_calls": [{"id": "2", "type": "function", "function": function}]},
    ]


@pytest.mark.row("A17")
def test_tools() -> None:
    tools = (Tool(name="now", strict=False, parameters={"default": None}), Tool(name="then", description="later"))
    wire = to_wire(a_request(tools=tools, parallel_tool_calls=False), "openai")
    assert wire["tools"] == [
        {"type": "function", "function": {"name": "now", "strict": False, "parameters": {"default": None}}},
        {"type": "function", "function": {"name": "then", "description": "later"}},
    ]
    assert wire["parallel_tool_calls"] is False


@pytest.mark.row("A17")
@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice(mode="auto"), "auto"),
        (ToolChoice(mode="none"), "none"),
        (ToolChoice(mode="required"), "required"),
        (ToolChoice(mode="function", name="f"), {"type": "function", "function": {"name": "f"}}),
        (None, None),
    ],
)
def test_tool_choice(choice: ToolChoice | None, wire: Any) -> None:
    assert to_wire(a_request(tools=(WEATHER,), tool_choice=choice), "openai").get("tool_choice") == wire


def test_a_tool_choice_without_tools_is_sent_only_when_it_asks_for_something() -> None:
    assert "tool_choice" not in to_wire(a_request(tool_choice=ToolChoice(mode="auto")), "openai")
    assert to_wire(a_request(tool_choice=ToolChoice(mode="required")), "openai")["tool_choice"] == "required"


@pytest.mark.row("A17")
@pytest.mark.parametrize(
    ("model", "effort"),
    [
        ("gpt-6-luna", "none"),
        ("gpt-6.1-sol", "none"),
        ("gpt-5.6", "none"),
        ("openai/gpt-6-luna", "none"),
        ("gpt-5.4", None),
        ("gpt-4.1", None),
        ("qwen3", None),
    ],
)
def test_reasoning_is_off_where_chat_completions_refuses_it_with_tools(model: str, effort: str | None) -> None:
    request = a_request(provider_model=model, tools=(WEATHER,))
    assert to_wire(request, "openai").get("reasoning_effort") == effort
    assert "reasoning_effort" not in to_wire(a_request(provider_model=model), "openai")


@pytest.mark.parametrize(
    ("asked", "wire"),
    [
        (ResponseFormat(), None),
        (ResponseFormat(type="json_object"), {"type": "json_object"}),
        (
            ResponseFormat(type="json_schema", name="n", schema_={"const": None}, strict=True),
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {"const": None}, "strict": True}},
        ),
        (
            ResponseFormat(type="json_schema", schema_={}),
            {"type": "json_schema", "json_schema": {"name": "response", "schema": {}}},
        ),
    ],
)
def test_response_format(asked: ResponseFormat, wire: Any) -> None:
    assert to_wire(a_request(response_format=asked), "openai").get("response_format") == wire


def test_sampling() -> None:
    sampling = Sampling(
        temperature=0.0, top_p=0.5, frequency_penalty=0.1, presence_penalty=0.2, stop=("a", "b"), seed=0
    )
    wire = to_wire(a_request(sampling=sampling), "compatible")
    assert {name: wire[name] for name in Sampling.model_fields} == sampling.model_dump(mode="json")
    assert not set(Sampling.model_fields) & set(to_wire(a_request(), "compatible"))


def test_a_tool_result_must_name_its_call() -> None:
    with pytest.raises(AdapterError) as raised:
        to_wire(a_request(messages=(said("tool", "4"),)), "openai")
    assert raised.value.failure.message.startswith("messages.0.tool_call_id")


def test_where_and_with_what_it_is_sent() -> None:
    assert OpenAI("http://double/v1/").url(a_request()) == "http://double/v1/chat/completions"
    assert OpenAI().headers("k") == {"authorization": "Bearer k"}
    assert OpenAI().headers(None) == {}


@pytest.mark.row("A17")
def test_ids_of_another_providers_calls_still_fit_and_match() -> None:
    id_ = "gemini:" + "s" * 500
    turns = (said("user", "weather?"), said("assistant", calls=(call(id_),)), said("tool", "4", answers=id_))
    _, asked, answered = to_wire(a_request(messages=turns, tools=(WEATHER,)), "openai")["messages"]
    assert len(asked["tool_calls"][0]["id"]) <= 40
    assert asked["tool_calls"][0]["id"] == answered["tool_call_id"]


@given(conversations())
def test_nothing_is_lost(request: AdapterRequest) -> None:
    wire = to_wire(request, "openai")
    assert len(wire["messages"]) == len(request.messages)
    for message, sent in zip(request.messages, wire["messages"], strict=True):
        content = sent["content"]
        texts = [part["text"] for part in content] if isinstance(content, list) else [content] if content else []
        assert (sent["role"], texts) == (message.role, [part.text for part in message.content])
        calls = [(made["id"], made["function"]) for made in sent.get("tool_calls", [])]
        assert calls == [(c.id, {"name": c.name, "arguments": c.arguments}) for c in message.tool_calls]
        assert sent.get("tool_call_id") == message.tool_call_id
    assert [tool["function"]["name"] for tool in wire["tools"]] == [tool.name for tool in request.tools]


def test_the_profiles_reasoning_effort_is_sent() -> None:
    assert to_wire(a_request(reasoning_effort="low"), "openai")["reasoning_effort"] == "low"
    assert "reasoning_effort" not in to_wire(a_request(), "openai")


@pytest.mark.row("A8")
@pytest.mark.parametrize(
    ("model", "effort", "asked"),
    [
        ("gpt-6-luna", "none", True),
        ("gpt-6.1-terra-2026-08-01", "none", True),
        ("openai/gpt-5.1", "none", True),
        ("gpt-6-luna", None, False),
        ("gpt-6-luna", "low", False),
        ("gpt-6.1-sol", "high", False),
        ("gpt-5", None, False),
        ("gpt-4.1", None, True),
        ("gpt-4o-mini-2024-07-18", None, True),
        ("gpt-4o-audio-preview", None, False),
        ("o3-mini", None, False),
        ("gpt-oss-120b", None, False),
        ("llama-4", None, False),
    ],
)
def test_log_probabilities_are_asked_for_only_where_they_are_given(
    model: str, effort: ReasoningEffort | None, asked: bool
) -> None:
    request = a_request(provider_model=model, reasoning_effort=effort, logprobs=True)
    wire = to_wire(request, "compatible")
    assert (wire.get("logprobs"), wire.get("top_logprobs")) == ((True, 5) if asked else (None, None))
    assert "logprobs" not in to_wire(request.model_copy(update={"logprobs": False}), "compatible")


@pytest.mark.row("A8")
def test_tools_that_switch_reasoning_off_let_log_probabilities_in() -> None:
    wire = to_wire(a_request(provider_model="gpt-6-luna", tools=(WEATHER,), logprobs=True), "openai")
    assert (wire["reasoning_effort"], wire["logprobs"]) == ("none", True)
