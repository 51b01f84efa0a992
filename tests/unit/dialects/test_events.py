"""The events in ``events/`` are of paths that the API describes, and the router can read each."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.incoming import incoming, json_body
from signalbox.contracts.errors import BadRequest
from tests.unit.dialects.test_openapi import DOCUMENT
from workbench.paths import ROOT

EVENTS = sorted((ROOT / "events").glob("router_*.json"))
OPEN = {path for path, item in DOCUMENT["paths"].items() if item.get("get", {}).get("security") == []}


def loaded(file: Path) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return event


@pytest.mark.row("D1")
@pytest.mark.parametrize("file", EVENTS, ids=lambda file: file.stem)
def test_an_event_is_of_a_path_that_the_api_describes(file: Path) -> None:
    event = loaded(file)
    method, resource = event["httpMethod"].lower(), event["resource"]
    assert method in DOCUMENT["paths"][resource]
    named = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", resource), event["path"])
    assert named is not None
    assert (event["pathParameters"] or {}) == named.groupdict()
    assert event["requestContext"]["path"] == f"/api{event['path']}"
    assert {name: [value] for name, value in event["headers"].items()} == event["multiValueHeaders"]
    if resource not in OPEN:
        assert incoming(APIGatewayProxyEvent(event)).caller == "support-desk"
    if method != "post":
        return
    if "body_not_json" in file.stem:
        with pytest.raises(BadRequest):
            json_body(APIGatewayProxyEvent(event))
    else:
        assert json_body(APIGatewayProxyEvent(event))


@pytest.mark.row("D1")
def test_every_path_has_an_event() -> None:
    found = {(event["httpMethod"].lower(), event["resource"]) for event in map(loaded, EVENTS)}
    described = {
        (method, path) for path, item in DOCUMENT["paths"].items() for method in item if method != "parameters"
    }
    assert found == described
