"""What the router makes of API Gateway's event: who calls, under which id of ours, with which headers."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from hypothesis import given
from hypothesis import strategies as st

from router.incoming import Incoming, incoming, request_id
from signalbox import ids
from signalbox.contracts.errors import Unauthorized

EVENT = json.loads((Path(__file__).parents[3] / "events" / "router_infer.json").read_text())
AUTHORIZER = {"caller": "acme", "tier": "premium", "key_id": "k1"}


def event(authorizer: Any = AUTHORIZER, **changed: Any) -> APIGatewayProxyEvent:
    context = {**EVENT["requestContext"], "authorizer": authorizer, "requestId": "chosen-by-the-client"}
    return APIGatewayProxyEvent({**EVENT, "requestContext": context, **changed})


def with_headers(one: dict[str, str], many: dict[str, list[str]] | None) -> Incoming:
    return incoming(event(headers=one, multiValueHeaders=many))


def test_the_caller_is_who_the_authorizer_says() -> None:
    who = incoming(event())
    assert (who.caller, who.tier, who.key_id) == ("acme", "premium", "k1")


@pytest.mark.parametrize("authorizer", [None, {}, {"caller": ""}, {"tier": "premium"}])
def test_nobody_is_no_caller(authorizer: Any) -> None:
    with pytest.raises(Unauthorized) as refused:
        incoming(event(authorizer))
    assert refused.value.code == "missing_api_key"


def test_a_request_has_one_id_of_ours_whatever_the_client_sent() -> None:
    one, other = event(), event()
    assert incoming(one).request_id == request_id(one) == request_id(APIGatewayProxyEvent(one.raw_event))
    assert request_id(one) != request_id(other)
    assert "chosen" not in request_id(one)


def test_an_error_shows_the_same_id() -> None:
    refused = event(None)
    with pytest.raises(Unauthorized):
        incoming(refused)
    assert request_id(refused) == request_id(refused)


def test_headers_are_read_in_any_case_and_only_the_ones_needed() -> None:
    who = with_headers({"IDEMPOTENCY-Key": "a", "Cache-Control": "no-cache", "Authorization": "Bearer sb_x"}, None)
    assert who.headers == {"idempotency-key": "a", "cache-control": "no-cache"}


def test_every_line_of_a_header_counts() -> None:
    """API Gateway's ``headers`` have the last line alone: a ``no-store`` before it would be lost."""
    many = {"Cache-Control": ["no-store", "max-age=0"], "cache-control": ["no-cache"], "Accept": ["*/*"]}
    who = with_headers({"Cache-Control": "max-age=0"}, many)
    assert who.headers == {"cache-control": "no-store, max-age=0, no-cache"}


@given(st.lists(st.integers(0, 2**48 - 1), min_size=2, max_size=20, unique=True))
def test_ids_sort_by_time_and_are_uuids_of_version_7(times_ms: list[int]) -> None:
    made = {ids.request_id(at_ms): at_ms for at_ms in times_ms}
    assert [made[one] for one in sorted(made)] == sorted(times_ms)
    for one, at_ms in made.items():
        digits = one.removeprefix("req_")
        assert len(digits) == 32
        assert (digits[12], digits[16] in "89ab", int(digits[:12], 16)) == ("7", True, at_ms)


def test_ids_of_one_moment_differ() -> None:
    assert len({ids.request_id(1) for _ in range(10_000)}) == 10_000
