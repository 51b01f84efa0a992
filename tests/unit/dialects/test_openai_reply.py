import json
from datetime import date
from typing import Any

import httpx
import pytest
from openai.types import CompletionUsage, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.messages import ToolCall
from signalbox.dialects import openai_chat
from signalbox.policy.resolved import Policy, Profile, Role, RosterModel
from tests.unit.dialects.sdk import CREATED, EXTRAS, WHO, body_json, client, parsed, reply

CALLS = (
    ToolCall(id="call_1", name="lookup", arguments='{"id": 7}'),
    ToolCall(id="call_2", name="lookup", arguments='{"id": 8}'),
)
REPLIES = {
    "text": reply(text="Grüße 😀\u2028\n\ndata: [DONE]"),
    "nothing": reply(text=""),
    "tool calls": reply(text="", tool_calls=CALLS, finish_reason="tool_calls"),
    "text and tool calls": reply(text="Wait.", tool_calls=CALLS[:1], finish_reason="tool_calls"),
    "refusal": reply(text="", refusal="I can't.", finish_reason="content_filter"),
    "cut": reply(finish_reason="length"),
}
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.mark.row("D2")
@pytest.mark.row("A17")
@pytest.mark.parametrize("answer", REPLIES.values(), ids=REPLIES)
def test_the_sdk_reads_a_completion(answer: AdapterReply) -> None:
    completion = _create(answer)
    ChatCompletion.model_validate(completion.model_dump(), strict=True)
    assert (completion.id, completion.created, completion.model) == ("chatcmpl-req-1", CREATED, "small-2026-10-01")
    (choice,) = completion.choices
    assert choice.finish_reason == answer.finish_reason
    assert (choice.message.content or "") == answer.text
    assert choice.message.refusal == answer.refusal
    assert _calls(choice.message.tool_calls) == answer.tool_calls
    assert completion.model_extra == {"signalbox": EXTRAS}
    _check_usage(completion.usage)


@pytest.mark.row("D2")
@pytest.mark.parametrize("usage", [True, False])
@pytest.mark.parametrize("answer", REPLIES.values(), ids=REPLIES)
def test_the_sdk_reads_a_stream(answer: AdapterReply, usage: bool) -> None:
    chunks = _stream(answer, usage)
    assert [one.model_extra for one in chunks if one.model_extra] == [{"signalbox": EXTRAS}]
    assert "signalbox" in (chunks[-1].model_extra or {})
    if usage:
        assert all(one.usage is None for one in chunks[:-1])
        assert chunks[-1].choices == []
        _check_usage(chunks.pop().usage)
    deltas = [one.choices[0].delta for one in chunks]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == answer.text
    assert "".join(delta.refusal or "" for delta in deltas) == (answer.refusal or "")
    assert _calls([call for delta in deltas for call in delta.tool_calls or ()]) == answer.tool_calls
    assert [one.choices[0].finish_reason for one in chunks if one.choices[0].finish_reason] == [answer.finish_reason]


def test_the_sdks_own_accumulator_comes_to_the_same_message() -> None:
    answer = REPLIES["text and tool calls"]

    def send(request: httpx.Request) -> httpx.Response:
        return _events(openai_chat.render_stream(parsed(request), answer, EXTRAS, created=CREATED))

    with client(send).chat.completions.stream(model="auto", messages=HELLO) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.content == answer.text
    assert _calls(message.tool_calls) == answer.tool_calls


@pytest.mark.row("A17")
@pytest.mark.parametrize("name", ["text", "tool calls", "text and tool calls", "refusal"])
def test_a_reply_goes_back_in_as_the_next_request(name: str) -> None:
    """Callers append ``choices[0].message`` as it is, or all of its fields, nulls included."""
    answer = REPLIES[name]
    message = _create(answer).choices[0].message
    turn: dict[str, Any] = {"role": "user", "content": "Go on."}
    for again in (message, message.model_dump()):
        tools = [{"role": "tool", "tool_call_id": call.id, "content": "x"} for call in answer.tool_calls]
        sent = body_json(_sent([*HELLO, again, *tools, turn]))
        back = openai_chat.parse(sent, **WHO).messages[1]
        assert back.text == (answer.text or answer.refusal or "")
        assert back.tool_calls == answer.tool_calls


def test_created_is_now_unless_told() -> None:
    request = openai_chat.parse({"messages": HELLO}, **WHO)
    assert openai_chat.render(request, reply(), {})["created"] > 1_700_000_000


def test_models_are_auto_the_roles_and_the_roster() -> None:
    profile = Profile(name="plain")
    big = RosterModel("big", "anthropic", "big-1", 9, 9, 1.0, frozenset(), profile, retires=date(2027, 1, 14))
    tiny = RosterModel("tiny", "openai", "tiny-1", 9, 9, 1.0, frozenset(), profile)
    roles = {"fast": Role("fast", tiny), "tiny": Role("tiny", tiny)}
    policy = Policy("abc", {"big": big, "tiny": tiny}, roles, (), (), ())

    page = client(lambda _: httpx.Response(200, json=openai_chat.models(policy))).models.list()

    found = [Model.model_validate(one.model_dump(), strict=True) for one in page.data]
    assert [(one.id, one.owned_by) for one in found] == [
        ("auto", "signalbox"),
        ("fast", "signalbox"),
        ("tiny", "signalbox"),
        ("big", "anthropic"),
    ]
    assert [one.shutdown_date for one in found] == [None, None, None, "2027-01-14"]


def _create(answer: AdapterReply) -> ChatCompletion:
    def send(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=openai_chat.render(parsed(request), answer, EXTRAS, created=CREATED))

    return client(send).chat.completions.create(model="auto", messages=HELLO)


def _stream(answer: AdapterReply, usage: bool) -> list[ChatCompletionChunk]:
    def send(request: httpx.Request) -> httpx.Response:
        return _events(openai_chat.render_stream(parsed(request), answer, EXTRAS, created=CREATED))

    options: Any = {"stream_options": {"include_usage": True}} if usage else {}
    return list(client(send).chat.completions.create(model="auto", messages=HELLO, stream=True, **options))


def _sent(messages: list[Any]) -> httpx.Request:
    seen: list[httpx.Request] = []

    def send(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=json.loads('{"id":"x","object":"chat.completion","choices":[]}'))

    client(send).chat.completions.create(model="auto", messages=messages)
    return seen[0]


def _events(text: str) -> httpx.Response:
    assert text.endswith("data: [DONE]\n\n")
    return httpx.Response(200, content=text.encode(), headers={"content-type": "text/event-stream"})


def _calls(calls: Any) -> tuple[ToolCall, ...]:
    return tuple(
        ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments) for call in calls or ()
    )


def _check_usage(usage: CompletionUsage | None) -> None:
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (10, 5, 15)
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 4
    assert usage.prompt_tokens_details.cache_write_tokens == 2
    assert usage.completion_tokens_details.reasoning_tokens == 3
