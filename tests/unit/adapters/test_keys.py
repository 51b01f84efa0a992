"""The key of a secret: what is asked, how long it is kept, and every way in which it does not come."""

import json
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.exceptions import CredentialRetrievalError
from botocore.session import Session

from signalbox.adapters import keys
from signalbox.adapters.keys import KeyUnavailable, SecretKey
from signalbox.transport import aws
from signalbox.transport.aws import NoAwsKeys, ambient_keys, endpoint
from signalbox.transport.sigv4 import Keys

ARN = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:signalbox/openai-AbC123"
Answer = httpx.Response | Exception


class Vault:
    """Gives its answers in turn, the last one from then on, and remembers what was asked; time is set by hand."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.now_s = 1_000.0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        # A response can be read once.
        return httpx.Response(answer.status_code, content=answer.content)

    def key(self, arn: str = ARN) -> SecretKey:
        client = httpx.Client(transport=httpx.MockTransport(self))
        return SecretKey(arn, lambda: client, lambda: Keys("AKID", "aws-secret", "aws-token"), lambda: self.now_s)


def secret(value: str) -> httpx.Response:
    return httpx.Response(200, json={"ARN": ARN, "SecretString": value})


def refusal(code: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"__type": code, "message": "arn:aws:sts::123456789012:assumed-role/me"})


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(keys, "LONGEST_PAUSE_S", 0)


def test_one_signed_post_asks_for_the_secret() -> None:
    vault = Vault(secret("sk-1"))

    assert vault.key().key(fresh=False) == "sk-1"

    (asked,) = vault.asked
    assert (asked.method, str(asked.url)) == ("POST", "https://secretsmanager.eu-north-1.amazonaws.com/")
    assert asked.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
    assert asked.headers["X-Amz-Security-Token"] == "aws-token"
    assert "/eu-north-1/secretsmanager/aws4_request, " in asked.headers["Authorization"]
    assert json.loads(asked.content) == {"SecretId": ARN}
    limits = asked.extensions["timeout"]
    assert limits["connect"] == 2
    assert 4 < limits["read"] <= 5


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, "http://127.0.0.1:4566/"),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:2/"},
            "http://127.0.0.1:2/",
        ),
    ],
)
def test_an_endpoint_of_its_own(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    vault = Vault(secret("sk-1"))

    vault.key().key(fresh=False)

    assert str(vault.asked[0].url) == url


def test_a_bare_name_is_looked_up_in_the_functions_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    vault = Vault(secret("sk-1"))

    vault.key("signalbox/openai").key(fresh=False)

    assert vault.asked[0].url.host == "secretsmanager.cn-north-1.amazonaws.com.cn"


def test_a_key_is_kept_for_five_minutes() -> None:
    vault = Vault(secret("sk-old"), secret("sk-new"))
    key = vault.key()
    seen = []
    for now_s in (1_000, 1_299, 1_300):
        vault.now_s = now_s
        seen.append(key.key(fresh=False))

    assert seen == ["sk-old", "sk-old", "sk-new"]
    assert len(vault.asked) == 2


def test_an_older_value_never_replaces_a_newer_one() -> None:
    """The first call is given up and ends after the second, which asked later."""
    vault = Vault(secret("sk-old"))
    key = vault.key()

    def meanwhile(request: httpx.Request) -> httpx.Response:
        vault.now_s += 1
        late = Vault(secret("sk-new"))
        key._client = lambda: httpx.Client(transport=httpx.MockTransport(late))
        assert key.key(fresh=True) == "sk-new"
        return secret("sk-old")

    key._client = lambda: httpx.Client(transport=httpx.MockTransport(meanwhile))
    key.key(fresh=False)

    assert key.key(fresh=False) == "sk-new"


def test_an_unset_secret_is_looked_up_anew() -> None:
    key = Vault(secret("unset"), secret("sk-1\n")).key()
    with pytest.raises(KeyUnavailable, match=r"put the provider's key into the secret signalbox/openai$"):
        key.key(fresh=False)

    assert key.key(fresh=False) == "sk-1"


def test_a_server_that_asks_for_no_key() -> None:
    vault = Vault(secret("none"))
    key = vault.key()

    assert [key.key(fresh=False), key.key(fresh=False)] == [None, None]
    assert len(vault.asked) == 1


@pytest.mark.parametrize(
    "first",
    [
        refusal("ThrottlingException"),
        refusal("InternalServiceError", 500),
        httpx.Response(503, text="busy"),
        httpx.ConnectError("x"),
        httpx.ConnectTimeout("x"),
        httpx.RemoteProtocolError("x"),
    ],
    ids=str,
)
def test_what_passes_is_tried_again_once(first: Answer) -> None:
    vault = Vault(first, secret("sk-1"))

    assert vault.key().key(fresh=False) == "sk-1"
    assert len(vault.asked) == 2


@pytest.mark.parametrize(
    ("answer", "why", "tries"),
    [
        (refusal("ResourceNotFoundException"), "ResourceNotFoundException", 1),
        (refusal("com.amazonaws.secretsmanager#AccessDeniedException"), "AccessDeniedException", 1),
        (refusal("an odd sk-1 code"), "status 400", 1),
        (httpx.Response(400, text="sk-1"), "status 400", 1),
        (httpx.Response(302, text="sk-1"), "status 302", 1),
        (httpx.Response(503, text="sk-1"), "status 503", 2),
        (refusal("ThrottlingException"), "ThrottlingException", 2),
        (httpx.Response(200, text="sk-1"), "it holds no text", 1),
        (httpx.Response(200, json={"SecretBinary": "c2stMQ=="}), "it holds no text", 1),
        (httpx.ConnectError("sk-1"), "ConnectError", 2),
        (httpx.ReadTimeout("sk-1"), "ReadTimeout", 2),
        (httpx.InvalidURL("sk-1"), "InvalidURL", 1),
        (NoAwsKeys("no AWS credentials were found"), "no AWS credentials were found", 1),
        (httpx.Response(200, content=b" " * 5_000_001), "TooLarge", 1),
    ],
    ids=str,
)
def test_every_failure_names_the_secret_and_no_value(answer: Answer, why: str, tries: int) -> None:
    vault = Vault(answer)
    with pytest.raises(KeyUnavailable) as raised:
        vault.key().key(fresh=False)

    assert str(raised.value) == f"the secret signalbox/openai cannot be read ({why})"
    assert "sk-1" not in "".join(traceback.format_exception(raised.value))
    assert len(vault.asked) == tries


def test_services_have_an_address_in_each_region() -> None:
    assert endpoint("bedrock-runtime", "us-east-1") == "https://bedrock-runtime.us-east-1.amazonaws.com"
    assert endpoint("secretsmanager", "cn-north-1") == "https://secretsmanager.cn-north-1.amazonaws.com.cn"


def test_credentials_are_the_roles_or_whatever_botocore_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ACCESS_KEY_ID", "AKID"), ("SECRET_ACCESS_KEY", "secret"), ("SESSION_TOKEN", "token")):
        monkeypatch.setenv(f"AWS_{name}", value)
    assert ambient_keys() == Keys("AKID", "secret", "token")

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    session = Session()
    session.set_credentials("AKID2", "secret2", "token2")
    monkeypatch.setattr(aws, "_session_credentials", session.get_credentials)
    assert ambient_keys() == Keys("AKID2", "secret2", "token2")


def _expired() -> Any:
    raise CredentialRetrievalError(provider="sso", error_msg="secret detail")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (lambda: None, "no AWS credentials were found"),
        (_expired, "the AWS credentials cannot be used (CredentialRetrievalError)"),
    ],
)
def test_no_credentials(monkeypatch: pytest.MonkeyPatch, found: Callable[[], Any], message: str) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setattr(aws, "_session_credentials", found)
    with pytest.raises(NoAwsKeys) as raised:
        ambient_keys()

    assert str(raised.value) == message
