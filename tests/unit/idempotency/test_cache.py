"""What may be repeated, and under which key."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.messages import ResponseFormat, Tool, ToolChoice
from signalbox.contracts.requests import InferenceRequest, Sampling
from signalbox.idempotency.cache import CacheControl, cache_key, directives
from signalbox.idempotency.keys import fingerprint, idempotency_key
from signalbox.idempotency.ticket import Ticket
from tests.builders import request, said

# A second value for every field that shapes a reply.
SHAPING: dict[str, Any] = {
    "path": "/v1/chat",
    "model": "fast",
    "messages": (said("other"),),
    "tools": (Tool(name="f"),),
    "tool_choice": ToolChoice(mode="none"),
    "parallel_tool_calls": False,
    "response_format": ResponseFormat(type="json_object"),
    "sampling": Sampling(seed=7),
    "max_output_tokens": 5,
    "user": "somebody",
    "mode": "canary",
    "workload": "classify",
    "priority": "high",
    "escalation": True,
    "needs_compliance_check": True,
    "confidence": 0.1,
    "lane": "draft",
    "bound_to": "pin",
    "max_cost_microusd": 7,
    "tier": "premium",
}
REST: dict[str, Any] = {
    "request_id": "r2",
    "key_id": "k2",
    "id": "x",
    "metadata": {"a": "b"},
    "stream": True,
    "stream_usage": True,
    "conversation_id": "c",
    "conversation_history": "new",
    "deadline_ms": 99,
}


def test_every_field_of_a_request_shapes_the_answer_or_does_not() -> None:
    assert SHAPING.keys() | REST.keys() | {"caller", "snapshot", "recent"} == InferenceRequest.model_fields.keys()


@pytest.mark.row("A12")
@pytest.mark.parametrize("field", SHAPING)
def test_what_shapes_the_answer_is_in_the_key(field: str) -> None:
    assert cache_key(request(), "p", None) != cache_key(request(**{field: SHAPING[field]}), "p", None)


@pytest.mark.row("A12")
@pytest.mark.parametrize("field", REST)
def test_what_does_not_is_not(field: str) -> None:
    assert cache_key(request(), "p", None) == cache_key(request(**{field: REST[field]}), "p", None)


@pytest.mark.row("A12")
@given(callers=st.lists(st.text("ab#", min_size=1), min_size=2, max_size=2, unique=True))
def test_no_two_callers_policies_or_histories_share_a_key(callers: list[str]) -> None:
    one, other = callers
    assert cache_key(request(caller=one), "p", None) != cache_key(request(caller=other), "p", None)
    assert cache_key(request(), one, None) != cache_key(request(), other, None)
    assert cache_key(request(), "p", one) != cache_key(request(), "p", other)
    ids = {_ticket(caller).id for caller in ("alice", "bob")}
    assert len(ids) == 2


def _ticket(caller: str, key: str = "k") -> Ticket:
    return Ticket("idempotency", caller, key, "f", 60, 1_000, 0)


def test_a_tickets_id_begins_with_its_caller_and_never_holds_the_key() -> None:
    assert _ticket("alice", "my-secret-key").id.startswith("alice#idempotency#")
    assert "my-secret-key" not in _ticket("alice", "my-secret-key").id


@pytest.mark.row("E1")
@pytest.mark.parametrize("field", [*SHAPING, "metadata", "stream", "conversation_id", "deadline_ms"])
def test_the_same_key_is_for_the_same_request_alone(field: str) -> None:
    changed = request(**(({**SHAPING, **REST}[field] is not None and {field: {**SHAPING, **REST}[field]}) or {}))
    same = field == "tier"  # a caller may be moved to another between two tries
    assert (fingerprint(request()) == fingerprint(changed)) is same


@pytest.mark.row("E1")
def test_another_try_has_the_same_fingerprint() -> None:
    assert fingerprint(request()) == fingerprint(request(request_id="r2", key_id="another"))


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, CacheControl()),
        ("", CacheControl()),
        ("no-store", CacheControl(no_store=True)),
        ("No-Cache", CacheControl(no_cache=True)),
        ("max-age=60", CacheControl(max_age_s=60)),
        ('max-age="60", no-cache', CacheControl(no_cache=True, max_age_s=60)),
        ("max-age=-1", CacheControl()),
        ("max-age=soon", CacheControl()),
        ("max-age=99999999999", CacheControl()),
        ("no-transform, ,=", CacheControl()),
    ],
)
@pytest.mark.row("A12")
def test_cache_control_is_read_as_the_rfc_has_it(header: str | None, found: CacheControl) -> None:
    assert directives(header) == found


@pytest.mark.row("E1")
@pytest.mark.parametrize("header", ["", "  ", "k" * 256, "schlüssel", "a\tb", "a\x00b"])
def test_a_bad_key_is_refused(header: str) -> None:
    from signalbox.contracts.errors import BadRequest

    with pytest.raises(BadRequest) as refused:
        idempotency_key(header)
    assert refused.value.code == "invalid_idempotency_key"


@pytest.mark.row("E1")
def test_a_good_key_is_taken_as_it_is() -> None:
    assert idempotency_key(None) is None
    assert idempotency_key(" 5f0d-41!") == "5f0d-41!"
    assert idempotency_key("k" * 255) == "k" * 255
