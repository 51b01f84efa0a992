"""Keys from an emulated Secrets Manager."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters.base import clear_caches
from moto import mock_aws

from signalbox.adapters.keys import KeyUnavailable, SecretKey

REGION = "eu-north-1"


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("secretsmanager")
    clear_caches()  # type: ignore[no-untyped-call]


def stored(secrets: Any, value: str) -> SecretKey:
    return SecretKey(secrets.create_secret(Name="signalbox/openai", SecretString=value)["ARN"])


def test_a_key_is_kept_until_a_fresh_one_is_asked_for(secrets: Any) -> None:
    keys = stored(secrets, "sk-old\n")
    assert keys.key(fresh=False) == "sk-old"
    secrets.put_secret_value(SecretId="signalbox/openai", SecretString="sk-new")
    assert keys.key(fresh=False) == "sk-old"
    assert keys.key(fresh=True) == "sk-new"
    assert keys.key(fresh=False) == "sk-new"


def test_a_server_may_ask_for_no_key(secrets: Any) -> None:
    assert stored(secrets, "none").key(fresh=False) is None


@pytest.mark.parametrize("value", ["unset", " "])
def test_an_unset_key_names_the_secret(secrets: Any, value: str) -> None:
    with pytest.raises(KeyUnavailable, match=r"put the provider's key into the secret signalbox/openai$"):
        stored(secrets, value).key(fresh=False)


def test_a_secret_that_cannot_be_read(secrets: Any) -> None:
    arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:signalbox/gone-AbC123"
    with pytest.raises(KeyUnavailable) as raised:
        SecretKey(arn).key(fresh=False)
    assert str(raised.value) == "the secret signalbox/gone cannot be read (ResourceNotFoundException)"
