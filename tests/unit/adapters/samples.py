"""Requests for the adapters' tests: one that tests change, and any that Hypothesis thinks of."""

import json
from typing import Any

from hypothesis import strategies as st

from signalbox.contracts.adapters import AdapterRequest
from signalbox.contracts.messages import Message, TextPart, Tool, ToolCall

WEATHER = Tool(
    name="get_weather",
    description="The weather in a city",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def said(role: Any, *texts: str, calls: tuple[ToolCall, ...] = (), answers: str | None = None) -> Message:
    """One message of ``texts`` as parts."""
    parts = tuple(TextPart(text=text) for text in texts)
    return Message(role=role, content=parts, tool_calls=calls, tool_call_id=answers)


def call(id_: str = "call_1", name: str = "get_weather", arguments: str = '{"city": "Oslo"}') -> ToolCall:
    return ToolCall(id=id_, name=name, arguments=arguments)


def a_request(**changes: Any) -> AdapterRequest:
    """A plain request; ``changes`` are fields of ``AdapterRequest``."""
    fields: dict[str, Any] = {
        "request_id": "req-1",
        "caller": "acme",
        "route": "chat",
        "model": "roster-model",
        "provider_model": "provider-model-1",
        "messages": (said("user", "hello"),),
        "max_output_tokens": 100,
        "deadline_at_ms": 4_000_000_000_000,
        "deadline_ms": 5_000,
    }
    return AdapterRequest(**(fields | changes))


TOOL_TURN = (
    said("user", "weather?"),
    said("assistant", calls=(call(),)),
    said("tool", '{"celsius": 4}', answers="call_1"),
)

_texts = st.text(min_size=1, max_size=30).filter(str.strip)
_plain = st.builds(
    lambda role, texts: said(role, *texts),
    st.sampled_from(["system", "user", "assistant"]),
    st.lists(_texts, max_size=3),
)


@st.composite
def conversations(draw: st.DrawFn) -> AdapterRequest:
    """A request with tools, and turns of all roles, in which every call is answered."""
    messages = [said("user", draw(_texts))]
    for turn in range(draw(st.integers(0, 3))):
        messages += draw(st.lists(_plain, max_size=2))
        arguments = draw(st.lists(st.dictionaries(_texts, _texts, max_size=2), max_size=2))
        calls = tuple(call(f"call_{turn}_{index}", arguments=json.dumps(each)) for index, each in enumerate(arguments))
        if calls:
            messages.append(said("assistant", *draw(st.lists(_texts, max_size=1)), calls=calls))
            messages += [
                said("tool", *draw(st.lists(_texts, min_size=1, max_size=2)), answers=each.id) for each in calls
            ]
    names = draw(st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True), unique=True, max_size=3))
    tools = (WEATHER, *(Tool(name=name, description=draw(_texts)) for name in names if name != WEATHER.name))
    return a_request(messages=tuple(messages), tools=tools)
