"""Keys from creation to revocation, with the command that people use."""

import json

import httpx
from typer.testing import CliRunner

from workbench.commands.keys import app
from workbench.local.stack import Running


def keys(running: Running, *arguments: str) -> str:
    where = ["--stack", running.local.stack, "--endpoint-url", running.local.endpoint_url]
    result = CliRunner().invoke(app, [arguments[0], *where, *arguments[1:]])
    assert result.exit_code == 0, result.output
    return result.output


def status(running: Running, key: str) -> int:
    return httpx.get(
        f"{running.local.base_url}/models", headers={"authorization": f"Bearer {key}"}, timeout=30
    ).status_code


def created(running: Running, *arguments: str) -> str:
    return next(word for word in keys(running, "create", *arguments).split() if word.startswith("sb_"))


def test_a_key_opens_until_it_is_revoked(running: Running) -> None:
    key = created(running, "--caller", "alice")
    assert status(running, key) == 200
    unused = created(running, "--caller", "bob")
    key_id = unused.split("_")[1]
    assert key_id in keys(running, "list")
    keys(running, "revoke", key_id)
    # The authorizer has not met this key, so no cache of 60 s stands between.
    assert status(running, unused) == 401


def test_the_table_holds_no_key(running: Running) -> None:
    key = created(running, "--caller", "carol", "--tier", "premium")
    stored = running.stack.client("dynamodb").scan(TableName=running.stack.output("CallersTable"))["Items"]
    text = json.dumps(stored)
    assert "carol" in text
    assert key not in text
    assert key.rsplit("_", 1)[1] not in text


def test_a_premium_caller_takes_the_premium_lane(running: Running) -> None:
    key = created(running, "--caller", "dora", "--tier", "premium")
    answer = httpx.post(
        f"{running.local.base_url}/route",
        json={"conversation": "hello"},
        headers={"x-api-key": key},
        timeout=30,
    )
    assert answer.json()["role"] == "premium"
