"""`signalbox keys` and `signalbox secrets` against an emulated account."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from typer.testing import CliRunner

from signalbox.callers.authenticate import Authenticator
from signalbox.transport.aws import ambient_keys
from signalbox.transport.dynamodb import DynamoDB
from tests.unit.callers.conftest import TABLE
from workbench.commands import keys, secrets
from workbench.stack import LocalStack, Stack, StackNotFound

run = CliRunner().invoke
PLANS = {"UsagePlanStandardId": "plan-s", "UsagePlanPremiumId": "plan-p"}


class Gateway:
    """As much of API Gateway as keys need: its keys, and which plan each is in."""

    def __init__(self, plans: Iterable[str]) -> None:
        self.keys: dict[str, dict[str, Any]] = {}
        self.plans: dict[str, list[str]] = {plan: [] for plan in plans}

    def create_api_key(self, **key: Any) -> dict[str, Any]:
        assert 20 <= len(key["value"]) <= 128
        key["id"] = f"id-{len(self.keys)}"
        self.keys[key["id"]] = key
        return key

    def create_usage_plan_key(self, *, usagePlanId: str, keyId: str, keyType: str) -> None:  # noqa: N803
        if usagePlanId not in self.plans or keyType != "API_KEY":
            raise ClientError({"Error": {"Code": "NotFoundException", "Message": "no plan"}}, "CreateUsagePlanKey")
        self.plans[usagePlanId].append(self.keys[keyId]["name"])

    def get_api_keys(self, *, nameQuery: str) -> dict[str, Any]:  # noqa: N803
        return {"items": [key for key in self.keys.values() if key["name"].startswith(nameQuery)]}

    def delete_api_key(self, *, apiKey: str) -> None:  # noqa: N803
        del self.keys[apiKey]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without a local stack."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway(PLANS.values())


@pytest.fixture
def stack(dynamodb: DynamoDB, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """What every command finds: a stack with the outputs that they read."""
    secret = boto3.client("secretsmanager").create_secret(Name="a", SecretString="unset")["ARN"]
    outputs = {"CallersTable": TABLE, "AnthropicSecret": secret, **PLANS}
    found = Stack("demo", _clients={"apigateway": gateway, "cloudformation": described(outputs)})
    monkeypatch.setattr(Stack, "find", classmethod(lambda *_: found))
    monkeypatch.setattr(keys, "dynamodb", lambda _: dynamodb)
    return found


def described(outputs: dict[str, str]) -> Any:
    """A CloudFormation client that answers one describe_stacks with ``outputs``."""
    client = boto3.client("cloudformation", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    stubber = Stubber(client)
    listed = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
    answer = {"StackName": "demo", "CreationTime": datetime.now(UTC), "StackStatus": "CREATE_COMPLETE"}
    stubber.add_response("describe_stacks", {"Stacks": [{**answer, "Outputs": listed}]}, {"StackName": "demo"})
    stubber.activate()
    return client


def test_a_created_key_works_sits_in_its_plan_and_dies_when_revoked(stack: Stack, gateway: Gateway) -> None:
    created = run(keys.app, ["create", "--caller", "acme", "--tier", "premium"])
    assert created.exit_code == 0, created.output
    plain = created.stdout.strip()
    store = keys.key_store(stack)
    verdict = Authenticator(store).authenticate({"x-api-key": plain})
    assert verdict.identity is not None
    assert (verdict.identity.caller, verdict.identity.tier) == ("acme", "premium")
    assert gateway.plans == {"plan-s": [], "plan-p": [f"signalbox-{verdict.key_id}"]}
    assert [key["value"] for key in gateway.keys.values()] == [verdict.identity.usage_key]

    listed = run(keys.app, ["list"])
    assert f"{verdict.key_id}  acme" in listed.stdout
    assert plain[-43:] not in listed.output

    revoked = run(keys.app, ["revoke", str(verdict.key_id)])
    assert revoked.exit_code == 0, revoked.output
    assert Authenticator(store).authenticate({"x-api-key": plain}).outcome == "revoked"
    assert gateway.keys == {}
    assert " revoked " in run(keys.app, ["list"]).stdout


def test_expiry_is_counted_in_days(stack: Stack) -> None:
    assert run(keys.app, ["create", "--caller", "acme", "--expires-in", "2"]).exit_code == 0
    (record,) = keys.key_store(stack).list()
    assert record.expires_at is not None
    assert abs(record.expires_at - record.created_at - 2 * 86_400) <= 1


def test_a_stack_without_usage_plans_gets_a_key_and_a_note(stack: Stack) -> None:
    del stack.outputs["UsagePlanStandardId"]
    created = run(keys.app, ["create", "--caller", "acme"])
    assert created.exit_code == 0
    assert "no usage plan for standard" in created.stderr


def test_a_key_whose_plan_fails_is_left_unusable(stack: Stack, gateway: Gateway) -> None:
    gateway.plans.clear()
    created = run(keys.app, ["create", "--caller", "acme"])
    assert created.exit_code == 1
    assert created.stdout == ""
    assert [record.state for record in keys.key_store(stack).list()] == ["revoked"]
    assert gateway.keys == {}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["create", "--caller", "a#b"], "caller's name"),
        (["create", "--caller", "jwt:alice"], "that of a JWT"),
        (["create", "--caller", "acme", "--tier", "gold"], "no tier 'gold'"),
        (["revoke", "nosuchkey1"], "no key nosuchkey1"),
    ],
)
def test_what_goes_wrong_is_one_line_and_exit_1(stack: Stack, arguments: list[str], told: str) -> None:
    result = run(keys.app, arguments)
    assert result.exit_code == 1
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_any_stack_it_says_how_to_get_one() -> None:
    result = run(keys.app, ["list"])
    assert result.exit_code == 1
    assert "make run" in result.stderr


def test_a_provider_key_is_read_from_standard_input(stack: Stack) -> None:
    result = run(secrets.app, ["set", "anthropic"], input="sk-real\n")
    assert result.exit_code == 0, result.output
    assert "sk-real" not in result.output
    assert boto3.client("secretsmanager").get_secret_value(SecretId="a")["SecretString"] == "sk-real"


def test_nothing_given_and_unknown_providers_change_nothing(stack: Stack) -> None:
    assert run(secrets.app, ["set", "anthropic"], input=" \n").exit_code == 1
    assert "No provider bedrock" in run(secrets.app, ["set", "bedrock"], input="k").stderr
    assert boto3.client("secretsmanager").get_secret_value(SecretId="a")["SecretString"] == "unset"


def local(tmp_path: Path, **fields: Any) -> None:
    (tmp_path / ".signalbox").mkdir()
    (tmp_path / ".signalbox/local.json").write_text(json.dumps(fields))


def test_the_local_stack_is_found_from_any_folder_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    local(tmp_path, stack="here", endpoint_url="http://127.0.0.1:4570", region="eu-west-1", api_key="k", console="x")
    (tmp_path / "deep/er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep/er")
    assert LocalStack.read().api_key == "k"
    assert Stack.find() == Stack.find("here") == Stack("here", "http://127.0.0.1:4570", "eu-west-1")
    assert Stack.find("elsewhere") == Stack("elsewhere")
    assert Stack.find("elsewhere", "http://127.0.0.1:1").endpoint_url == "http://127.0.0.1:1"


def test_real_credentials_stay_away_from_local_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    credentials = Stack("s", "http://127.0.0.1:4570").client("dynamodb")._request_signer._credentials
    assert (credentials.access_key, credentials.secret_key) == ("test", "test")


def test_the_key_table_is_asked_where_the_stack_is_and_with_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "real")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    local = keys.dynamodb(Stack("s", "http://127.0.0.1:4570", "eu-west-1"))
    assert (local.url, local.region, local.keys()) == ("http://127.0.0.1:4570", "eu-west-1", ("test", "test", None))
    there = keys.dynamodb(Stack("s"))
    assert (there.url, there.region) == ("https://dynamodb.eu-north-1.amazonaws.com", "eu-north-1")
    assert there.keys is ambient_keys


def test_an_output_that_is_not_there_says_so() -> None:
    stack = Stack("demo", _clients={"cloudformation": described({"BaseUrl": "https://a"})})
    assert stack.output("BaseUrl") == "https://a"
    with pytest.raises(StackNotFound, match="no output Nothing"):
        stack.output("Nothing")


def test_a_stack_that_is_not_there_says_so() -> None:
    client = boto3.client("cloudformation", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    stubber = Stubber(client)
    stubber.add_client_error("describe_stacks", "ValidationError", "Stack with id demo does not exist")
    stubber.activate()
    with pytest.raises(StackNotFound, match="Stack demo cannot be read from AWS"):
        Stack("demo", _clients={"cloudformation": client}).output("BaseUrl")
