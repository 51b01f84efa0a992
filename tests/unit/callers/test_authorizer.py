"""The function as API Gateway calls it: REQUEST events in, policies out, one line of log."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest

from authorizer import app
from authorizer.settings import Settings
from signalbox.callers.dynamodb import DynamoKeyStore
from signalbox.callers.keys import hash_key, issue_key
from signalbox.transport.dynamodb import DynamoDB
from tests.unit.callers.conftest import TABLE

API = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5"
METHOD_ARN = f"{API}/api/POST/v1/chat/completions"
SECRET = "s" * 32


def event(**headers: str) -> dict[str, Any]:
    return {
        "type": "REQUEST",
        "methodArn": METHOD_ARN,
        "resource": "/v1/chat/completions",
        "path": "/v1/chat/completions",
        "httpMethod": "POST",
        "headers": {"Host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", **headers},
        "requestContext": {"accountId": "123456789012", "apiId": "a1b2c3d4e5", "stage": "api", "requestId": "r-1"},
    }


@pytest.fixture
def store(dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoKeyStore]:
    monkeypatch.setenv("CALLERS_TABLE", TABLE)
    monkeypatch.setenv("JWT_USAGE_KEY", "usage-of-tokens")
    monkeypatch.setattr(app, "dynamodb", lambda _: dynamodb)
    app.authenticator.cache_clear()
    yield DynamoKeyStore(dynamodb, TABLE)
    app.authenticator.cache_clear()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """The lines logged since it was last called."""
    stream = io.StringIO()
    monkeypatch.setattr(app.logger.registered_handler, "stream", stream)

    def lines() -> list[dict[str, Any]]:
        written = stream.getvalue().splitlines()
        stream.truncate(0)
        stream.seek(0)
        return [json.loads(line) for line in written]

    return lines


def test_a_key_opens_the_whole_stage_and_names_its_caller(store: DynamoKeyStore) -> None:
    plain, record = issue_key(store, "acme", "premium")
    answer = app.handler(event(authorization=f"Bearer {plain}"), None)
    assert answer == {
        "principalId": "acme",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{API}/api/*"}],
        },
        "context": {"caller": "acme", "tier": "premium", "key_id": record.key_id},
        "usageIdentifierKey": record.usage_key,
    }


def test_no_credential_is_said_in_the_words_that_api_gateway_knows(store: DynamoKeyStore) -> None:
    for headers in ({}, {"Authorization": "Bearer "}):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            app.handler(event(**headers), None)
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        app.handler({**event(), "headers": None}, None)


def test_a_wrong_revoked_or_expired_key_is_denied(store: DynamoKeyStore) -> None:
    revoked, record = issue_key(store, "acme")
    store.revoke(record.key_id)
    expired, _ = issue_key(store, "acme", expires_at=int(time.time()) - 1)
    unknown = f"sb_{record.key_id}_{'x' * 43}"
    for plain in (revoked, expired, unknown, "sb_", "nonsense", "a.b.c"):
        answer = app.handler(event(**{"x-api-key": plain}), None)
        assert answer["policyDocument"]["Statement"] == [
            {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": f"{API}/api/*"}
        ]
        assert answer.keys() == {"principalId", "policyDocument"}


def test_a_revoked_key_stops_when_the_cache_has_aged(store: DynamoKeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, record = issue_key(store, "acme")

    def effect() -> object:
        return app.handler(event(**{"x-api-key": plain}), None)["policyDocument"]["Statement"][0]["Effect"]

    assert effect() == "Allow"
    store.revoke(record.key_id)
    late = time.monotonic() + 60
    monkeypatch.setattr(app.authenticator()._keys, "_clock_s", lambda: late)
    assert effect() == "Deny"


def test_a_store_that_fails_is_an_error_and_no_policy(
    store: DynamoKeyStore, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    plain, _ = issue_key(store, "acme")
    monkeypatch.setenv("CALLERS_TABLE", "gone")
    with pytest.raises(RuntimeError, match="authorization failed"):
        app.handler(event(**{"x-api-key": plain}), None)
    (line,) = logged()
    assert (line["outcome"], line["error"]) == ("error", "KeyStoreUnavailable")


def test_one_line_is_logged_and_never_the_key_or_its_hash(
    store: DynamoKeyStore, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    plain, record = issue_key(store, "acme")
    app.handler(event(**{"x-api-key": plain}), None)
    (allowed,) = logged()
    assert (allowed["outcome"], allowed["key_id"], allowed["caller"]) == ("allowed", record.key_id, "acme")
    wrong = plain[:-1] + ("A" if plain[-1] != "A" else "B")
    app.handler(event(**{"x-api-key": wrong}), None)
    (denied,) = logged()
    assert denied["outcome"] == "unknown"
    for line, sent in ((allowed, plain), (denied, wrong)):
        text = json.dumps(line)
        for secret in (sent, sent[-43:], hash_key(sent), record.key_hash, record.usage_key):
            assert secret not in text


def test_a_jwt_is_checked_with_the_secret_from_secrets_manager(
    store: DynamoKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    arn = boto3.client("secretsmanager").create_secret(Name="jwt", SecretString=SECRET)["ARN"]
    for name, value in (("JWT_ISSUER", "i"), ("JWT_AUDIENCE", "a"), ("JWT_SECRET_ARN", arn)):
        monkeypatch.setenv(name, value)
    claims = {"iss": "i", "aud": "a", "sub": "user-7", "exp": int(time.time()) + 60, "tier": "premium"}
    answer = app.handler(event(Authorization=f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"), None)
    assert answer["context"] == {"caller": "jwt:user-7", "tier": "premium", "key_id": "jwt"}
    assert answer["usageIdentifierKey"] == "usage-of-tokens"
    forged = jwt.encode(claims, "t" * 32, algorithm="HS256")
    denied = app.handler(event(Authorization=f"Bearer {forged}"), None)
    assert denied["policyDocument"]["Statement"][0]["Effect"] == "Deny"


@pytest.mark.parametrize("missing", ["JWT_ISSUER", "JWT_AUDIENCE"])
def test_settings_that_would_accept_anyone_s_token_are_refused(missing: str) -> None:
    environ = {
        "AWS_REGION": "r",
        "CALLERS_TABLE": "t",
        "JWT_ISSUER": "i",
        "JWT_AUDIENCE": "a",
        "JWT_JWKS_URL": "https://i/jwks",
    }
    assert Settings.read(environ).accepts_tokens
    with pytest.raises(ValueError, match="must both be set"):
        Settings.read({**environ, missing: ""})


def test_its_cold_start_imports_no_sdk() -> None:
    """Half of it would be botocore's client, a third pydantic. Powertools imports botocore's bare package."""
    heavy = "{'boto3', 'botocore.session', 'botocore.client', 'pydantic', 'jwt', 'cryptography'}"
    told = f"import sys, authorizer.app; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
