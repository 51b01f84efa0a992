"""Keys from a Secrets Manager that checks signatures and permissions."""

from collections.abc import Iterator

import pytest

from signalbox.adapters.keys import KeyUnavailable, SecretKey
from tests.functional.secrets_manager import REGION, SecretsManager, running_secrets_manager


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with running_secrets_manager() as manager:
        for name, value in manager.environment.items():
            monkeypatch.setenv(name, value)
        yield manager


def stored(secrets: SecretsManager, value: str) -> SecretKey:
    return SecretKey(secrets.admin.create_secret(Name="signalbox/openai", SecretString=value)["ARN"])


def test_a_key_is_kept_until_a_fresh_one_is_asked_for(secrets: SecretsManager) -> None:
    keys = stored(secrets, "sk-old\n")
    assert keys.key(fresh=False) == "sk-old"
    secrets.admin.put_secret_value(SecretId="signalbox/openai", SecretString="sk-new")
    assert keys.key(fresh=False) == "sk-old"
    assert keys.key(fresh=True) == "sk-new"
    assert keys.key(fresh=False) == "sk-new"


def test_a_server_may_ask_for_no_key(secrets: SecretsManager) -> None:
    assert stored(secrets, "none").key(fresh=False) is None


@pytest.mark.parametrize("value", ["unset", " "])
def test_an_unset_key_names_the_secret(secrets: SecretsManager, value: str) -> None:
    with pytest.raises(KeyUnavailable, match=r"put the provider's key into the secret signalbox/openai$"):
        stored(secrets, value).key(fresh=False)


def test_a_secret_that_cannot_be_read(secrets: SecretsManager) -> None:
    arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:signalbox/gone-AbC123"
    with pytest.raises(KeyUnavailable) as raised:
        SecretKey(arn).key(fresh=False)
    assert str(raised.value) == "the secret signalbox/gone cannot be read (ResourceNotFoundException)"


@pytest.mark.parametrize("variable", ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"])
def test_a_wrong_signature_is_refused(secrets: SecretsManager, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """So the signatures of the other tests were checked, and right."""
    keys = stored(secrets, "sk-1")
    monkeypatch.setenv(variable, "another")
    # moto refuses in XML, which the real service would not.
    with pytest.raises(KeyUnavailable, match=r"the secret signalbox/openai cannot be read \(status 403\)$"):
        keys.key(fresh=False)
