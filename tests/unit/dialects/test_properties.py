"""Whatever comes in: an error of ours or a request; and of a valid request nothing is lost."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.errors import BadRequest
from signalbox.contracts.requests import InferenceRequest
from signalbox.dialects import native, openai_chat
from tests.unit.dialects.sdk import WHO, sent_by_sdk
from tests.unit.dialects.test_body import JSON

NATIVE: dict[str, Any] = {**WHO, "path": "/v1/infer"}
TEXT = st.text(min_size=1, max_size=20)
NAME = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
UNIT = st.floats(0, 1)


def _near(field_names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies made of the right names and anything at all under them."""
    message = st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "name", "refusal"]), JSON)
    role = message.flatmap(lambda one: st.sampled_from(["user", "tool"]).map(lambda said: {**one, "role": said}))
    values = JSON | st.lists(message | role, max_size=3) | st.lists(st.integers(), max_size=3)
    return st.dictionaries(st.sampled_from(field_names), values)


@given(JSON | _near(sorted(openai_chat.ChatCompletionBody.model_fields)))
def test_any_json_is_a_request_or_an_error_of_ours(body: Any) -> None:
    with suppress(BadRequest):
        assert isinstance(openai_chat.parse(body, **WHO), InferenceRequest)


@given(JSON | _near(sorted(set(native.InferBody.model_fields) - {"conversation"})))
def test_any_json_is_a_native_request_or_an_error_of_ours(body: Any) -> None:
    with suppress(BadRequest):
        assert isinstance(native.parse(body, **NATIVE), InferenceRequest)


CONTENT = TEXT | st.lists(TEXT.map(lambda text: {"type": "text", "text": text}), min_size=1, max_size=3)
CALL = st.builds(
    lambda name, arguments: {"type": "function", "function": {"name": name, "arguments": arguments}}, NAME, st.text()
)


@st.composite
def exchanges(draw: st.DrawFn, at: int) -> list[dict[str, Any]]:
    """A user's turn, and perhaps an assistant's with its tool results."""
    turns: list[dict[str, Any]] = [{"role": "user", "content": draw(CONTENT)}]
    calls = [{**call, "id": f"call_{at}_{number}"} for number, call in enumerate(draw(st.lists(CALL, max_size=2)))]
    if calls:
        turns.append({"role": "assistant", "content": draw(st.none() | CONTENT), "tool_calls": calls})
        turns += [{"role": "tool", "tool_call_id": call["id"], "content": draw(CONTENT)} for call in calls]
    return turns


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    start = draw(st.lists(st.builds(_instruction, st.sampled_from(["system", "developer"]), CONTENT), max_size=2))
    return start + [turn for at in range(draw(st.integers(1, 3))) for turn in draw(exchanges(at))]


def _instruction(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


PARAMETERS = st.fixed_dictionaries(
    {"messages": conversations()},
    optional={
        "model": TEXT,
        "max_tokens": st.integers(1, 10**6),
        "temperature": st.floats(0, 2) | st.integers(0, 2),
        "top_p": UNIT,
        "frequency_penalty": st.floats(-2, 2),
        "presence_penalty": st.floats(-2, 2),
        "seed": st.integers(-(2**63), 2**63 - 1),
        "stop": TEXT | st.lists(TEXT, max_size=4),
        "user": st.text(),
        "metadata": st.dictionaries(NAME.map(lambda name: f"x-{name[:60]}"), st.text(max_size=512), max_size=16),
        "parallel_tool_calls": st.booleans(),
        "tools": st.lists(NAME, unique=True, min_size=1, max_size=3).map(
            lambda names: [{"type": "function", "function": {"name": name, "parameters": {}}} for name in names]
        ),
        "stream": st.booleans(),
    },
)
SAMPLED = ("temperature", "top_p", "frequency_penalty", "presence_penalty", "seed")


@given(PARAMETERS)
def test_nothing_of_a_valid_request_is_lost(sent: dict[str, Any]) -> None:
    got = sent_by_sdk(**sent)
    assert [_as_sent(message) for message in got.messages] == [_plain(message) for message in sent["messages"]]
    assert [tool.name for tool in got.tools] == [tool["function"]["name"] for tool in sent.get("tools", [])]
    assert {name: getattr(got.sampling, name) for name in SAMPLED} == {name: sent.get(name) for name in SAMPLED}
    stop = sent.get("stop", [])
    assert got.sampling.stop == ((stop,) if isinstance(stop, str) else tuple(stop))
    assert got.model == sent.get("model", "auto")
    assert got.max_output_tokens == sent.get("max_tokens")
    assert got.metadata == sent.get("metadata", {})
    assert (got.user, got.parallel_tool_calls) == (sent.get("user"), sent.get("parallel_tool_calls"))
    assert got.stream == sent.get("stream", False)


def _as_sent(message: Any) -> Any:
    calls = [(call.id, call.name, call.arguments) for call in message.tool_calls]
    return message.role, [part.text for part in message.content], calls, message.tool_call_id


def _plain(message: dict[str, Any]) -> Any:
    content = message["content"]
    texts = [content] if isinstance(content, str) else [part["text"] for part in content or []]
    calls = [
        (one["id"], one["function"]["name"], one["function"]["arguments"]) for one in message.get("tool_calls", [])
    ]
    role = "system" if message["role"] == "developer" else message["role"]
    return role, texts, calls, message.get("tool_call_id")


@given(PARAMETERS)
def test_both_dialects_understand_a_conversation_alike(sent: dict[str, Any]) -> None:
    shared = {name: value for name, value in sent.items() if name not in ("messages", "stream", "metadata")}
    shared = json.loads(json.dumps(shared))
    theirs = openai_chat.parse({**shared, "messages": sent["messages"]}, **WHO)
    assert native.parse({**shared, "conversation": sent["messages"]}, **WHO) == theirs
