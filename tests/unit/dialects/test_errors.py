from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.errors import BadRequest, Conflict, RateLimited, SignalboxError, Unavailable
from signalbox.dialects import errors, native, openai_chat
from tests.unit.dialects.sdk import WHO, client
from tests.unit.dialects.test_body import JSON


def test_an_error_in_openais_shape() -> None:
    status, headers, body = errors.render(BadRequest("invalid_value", "No.", param="n"), "req-1")
    assert (status, headers) == (400, {})
    assert body == {
        "error": {
            "type": "invalid_request_error",
            "code": "invalid_value",
            "message": "No.",
            "param": "n",
            "request_id": "req-1",
        }
    }


@pytest.mark.parametrize("kind", [Conflict, RateLimited, Unavailable])
def test_the_time_to_come_back_is_rounded_up(kind: type[SignalboxError]) -> None:
    _, headers, _ = errors.render(kind("x", "Later.", retry_after_ms=1001), "r")
    assert headers == {"retry-after": "2", "retry-after-ms": "1001"}
    assert errors.render(kind("x", "Later."), "r")[1] == {}


def test_an_unforeseen_error_tells_nothing() -> None:
    status, headers, body = errors.render(KeyError("the caller's own words"), "req-1")
    assert (status, headers, body["error"]["code"], body["error"]["type"]) == (500, {}, "internal_error", "api_error")
    assert "words" not in str(body)


def test_the_sdk_raises_its_own_kind_of_error() -> None:
    status, headers, body = errors.render(RateLimited("rate_limit_exceeded", "Slower.", retry_after_ms=50), "req-1")
    with pytest.raises(openai.RateLimitError) as caught:
        client(lambda _: httpx.Response(status, headers=headers, json=body)).models.list()
    assert (caught.value.code, caught.value.type) == ("rate_limit_exceeded", "rate_limit_error")


SECRET = "Zq9secretZq9"
FIELDS = sorted(openai_chat.ChatCompletionBody.model_fields)


def _plant(value: Any) -> Any:
    """The same shape with the secret as every text, in and under known names."""
    if isinstance(value, dict):
        return {name: _plant(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plant(one) for one in value]
    return SECRET if isinstance(value, str) else value


@given(st.dictionaries(st.sampled_from(FIELDS), JSON.map(_plant) | st.just({"type": SECRET, "role": SECRET})))
def test_no_message_repeats_what_the_caller_wrote(body: dict[str, Any]) -> None:
    for parse in (openai_chat.parse, native.parse):
        assert SECRET not in _complaint(lambda: parse(body, **WHO))  # noqa: B023 - called at once


def _complaint(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except SignalboxError as error:
        return f"{error.message} {error.param}"
    return ""


@pytest.mark.parametrize("name", ["x" * 65, "a b", "drop\ntable", "ключ", ""])
def test_a_name_the_caller_made_up_is_not_repeated(name: str) -> None:
    with pytest.raises(BadRequest) as caught:
        openai_chat.parse({"messages": [{"role": "user", "content": "x", name: 1}]}, **WHO)
    assert (caught.value.code, caught.value.param) == ("unknown_parameter", "messages[0].?")
