"""Emulated AWS and RSA keys, made once. Properties are not timed: a busy machine is no counter-example."""

from collections.abc import Iterator

import boto3
import httpx
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import settings
from moto import mock_aws

from signalbox.transport.dynamodb import DynamoDB
from signalbox.transport.sigv4 import Keys

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

TABLE = "callers"
REGION = "us-east-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, REGION)
    with mock_aws():
        yield


@pytest.fixture
def dynamodb(aws: None) -> DynamoDB:
    """Our own client, whose calls moto answers, beside a table of callers as the template makes it."""
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "key_hash", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "key_hash", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client = httpx.Client(transport=httpx.MockTransport(_to_moto))
    url = f"https://dynamodb.{REGION}.amazonaws.com"
    return DynamoDB(REGION, url, lambda: Keys("testing", "testing"), lambda: client, lambda _: None)


def _to_moto(request: httpx.Request) -> httpx.Response:
    """Hands a request on as it came; moto answers inside ``requests``."""
    answer = requests.post(str(request.url), data=request.content, headers=dict(request.headers), timeout=5)
    checksum = {name: value for name, value in answer.headers.items() if name.lower() == "x-amz-crc32"}
    return httpx.Response(answer.status_code, headers=checksum, content=answer.content)


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def stranger_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)
