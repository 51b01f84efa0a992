"""How a request says which conversation it belongs to, and what of it comes out the same a second time."""

from typing import Any

import httpx
import pytest

from signalbox.contracts.errors import BadRequest
from signalbox.contracts.requests import InferenceRequest
from signalbox.dialects import native, openai_chat
from signalbox.dialects.either import parse_either
from signalbox.dialects.fields import with_header
from signalbox.policy.resolved import Role
from tests.builders import model, policy, route
from tests.unit.dialects.sdk import EXTRAS, WHO, client, reply, sent_by_sdk

FAST = Role("fast", model("a"))
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
BODIES: dict[str, dict[str, Any]] = {
    "native": {"conversation": HELLO, "conversation_id": "support:42"},
    "signalbox": {"messages": HELLO, "signalbox": {"conversation_id": "support:42"}},
    "metadata": {"messages": HELLO, "metadata": {"conversation_id": "support:42"}},
}


def parse(body: dict[str, Any]) -> InferenceRequest:
    dialect = openai_chat if "messages" in body else native
    request: InferenceRequest = dialect.parse(body, **WHO, key_id="k1")
    return request


def refused(body: dict[str, Any], header: str | None = None) -> tuple[str, str | None]:
    with pytest.raises(BadRequest) as caught:
        with_header(parse(body), header)
    return caught.value.code, caught.value.param


@pytest.mark.row("A5")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_conversation_is_named_in_the_body(body: dict[str, Any]) -> None:
    request = parse(body)
    assert (request.conversation_id, request.conversation_history) == ("support:42", "auto")
    assert request.key_id == "k1"


@pytest.mark.row("A5")
@pytest.mark.parametrize(
    "parameters",
    [
        {"metadata": {"conversation_id": "support:42", "conversation_history": "new", "team": "billing"}},
        {"extra_body": {"signalbox": {"conversation_id": "support:42", "conversation_history": "new"}}},
    ],
)
def test_the_sdk_can_name_it(parameters: dict[str, Any]) -> None:
    request = sent_by_sdk(messages=HELLO, **parameters)
    assert (request.conversation_id, request.conversation_history) == ("support:42", "new")


@pytest.mark.row("A5")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_header_names_it_too(body: dict[str, Any]) -> None:
    unnamed = {"messages": HELLO} if "messages" in body else {"conversation": HELLO}
    assert with_header(parse(unnamed), "support:42").conversation_id == "support:42"
    assert with_header(parse(unnamed), None).conversation_id is None
    assert with_header(parse(body), "support:42") == parse(body)
    assert with_header(parse(body), None) == parse(body)
    assert refused(body, "support:43") == ("invalid_value", "conversation_id")


@pytest.mark.row("A5")
@pytest.mark.parametrize("name", ["", "a#b", "a/b", "a b", "ü", "x" * 129, "a, a", "a\n"])
def test_a_name_that_could_mean_another_is_refused(name: str) -> None:
    assert refused({"conversation": HELLO, "conversation_id": name}) == ("invalid_value", "conversation_id")
    metadata = {"messages": HELLO, "metadata": {"conversation_id": name}}
    assert refused(metadata) == ("invalid_value", "metadata.conversation_id")
    assert refused({"messages": HELLO}, name) == ("invalid_value", "conversation_id")


@pytest.mark.row("A5")
def test_two_names_are_one_too_many() -> None:
    body = {"messages": HELLO, "signalbox": {"conversation_id": "a"}, "metadata": {"conversation_id": "b"}}
    assert refused(body) == ("invalid_value", "metadata.conversation_id")
    assert refused({"conversation": HELLO, "conversation_history": "all"}) == ("invalid_value", "conversation_history")


@pytest.mark.row("A5")
def test_a_body_whose_path_nobody_named_is_in_its_conversation() -> None:
    known = policy(route(FAST))
    who = {**WHO, "path": None, "key_id": "k1"}
    for body in BODIES.values():
        request = parse_either(body, known, **who)
        assert (request.conversation_id, request.key_id) == ("support:42", "k1")


@pytest.mark.row("E1")
def test_a_reply_given_again_is_the_reply_that_was_given() -> None:
    """GIVEN an answer WHEN a later request is given it again THEN nothing of the body differs, streamed or not."""
    first, later = (openai_chat.parse({"messages": HELLO}, **{**WHO, "request_id": one}) for one in ("req-1", "req-2"))
    kept: dict[str, Any] = {"request_id": "req-1", "created": 1_795_000_000}
    for render in (openai_chat.render, openai_chat.render_stream):
        assert render(first, reply(), EXTRAS, **kept) == render(later, reply(), EXTRAS, **kept)
        assert "req-1" in str(render(later, reply(), EXTRAS, **kept))
        assert "req-2" in str(render(later, reply(), EXTRAS))
    again = native.render(later, reply(), EXTRAS, request_id="req-1")
    assert again == native.render(first, reply(), EXTRAS)


@pytest.mark.row("D2")
def test_the_sdk_retrieves_one_model() -> None:
    known = policy(route(FAST))

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=openai_chat.model(known, request.url.path.rpartition("/")[2]))

    found = client(answer).models.retrieve("a")
    assert (found.id, found.owned_by) == ("a", "openai")
