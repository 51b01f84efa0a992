"""Every function can do what it needs and nothing else: the template deployed where roles are enforced."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.e2e.calling import Caller, new_caller
from workbench.local.processes import free_port, stopped_by_signals
from workbench.local.providers import simulated
from workbench.local.stack import Ports, Running, local_stack

ROOT = Path(__file__).parents[2]
DENIED = {"AccessDenied", "AccessDeniedException"}
ENTRY = {"caller": {"S": "alice"}, "request_id": {"S": "req_1"}}
TURN = {"conversation": {"S": "alice#c"}, "item": {"S": "head"}}
REPLY = {"reply": {"S": "alice#req_1"}, "item": {"S": "head"}}
RECEIPT = {"receipt": {"S": "alice#r"}, "attempt": {"S": "req_1#m"}}


@dataclass(frozen=True)
class Account:
    """The deployed stack, its resources' names by logical id, and its functions' roles to step into."""

    running: Running
    names: dict[str, str]

    def admin(self, service: str) -> Any:
        return self.running.stack.client(service)

    def role(self, function: str) -> str:
        arn: str = self.admin("lambda").get_function_configuration(FunctionName=self.names[function])["Role"]
        return arn

    def as_function(self, function: str, service: str) -> Any:
        """A client with the rights of the function's role and no others."""
        given = self.admin("sts").assume_role(RoleArn=self.role(function), RoleSessionName="test")["Credentials"]
        make: Any = boto3.client  # its overloads name services one by one
        return make(
            service,
            endpoint_url=self.running.stack.endpoint_url,
            region_name=self.running.stack.region,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )

    def invoke(self, function: str, event: Any) -> Any:
        """What the function returns to somebody who may invoke it."""
        payload = json.dumps(event).encode()
        answer = self.admin("lambda").invoke(FunctionName=self.names[function], Payload=payload)
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body

    def bodies(self) -> list[str]:
        found = self.admin("s3").list_objects_v2(Bucket=self.names["BodiesBucket"])
        return [one["Key"] for one in found.get("Contents", [])]

    def receipts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin("dynamodb").scan(TableName=self.names["ReceiptsTable"])["Items"]
        return found


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    ports = Ports(free_port(), free_port())
    files = tmp_path_factory.mktemp("enforced")
    with (
        stopped_by_signals(),
        local_stack(simulated, ports, "signalbox-roles", speed=0, files=files, enforce_iam=True) as running,
    ):
        pages = running.stack.client("cloudformation").get_paginator("list_stack_resources")
        found = [one for page in pages.paginate(StackName=running.stack.name) for one in page["StackResourceSummaries"]]
        yield Account(running, {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found})


@pytest.fixture(scope="module")
def caller(account: Account) -> Caller:
    return new_caller(account.running, "alice")


def refused(client: Any, operation: str, arguments: dict[str, Any]) -> bool:
    try:
        getattr(client, operation)(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        assert code in DENIED, f"neither done nor denied: {code}"
        return True
    return False


def test_roles_are_enforced(account: Account) -> None:
    """GIVEN what a role allows, WHEN its policy is taken away, THEN the same call is denied."""
    iam, role = account.admin("iam"), account.role("ClaudeHaiku55Adapter").rpartition("/")[2]
    secrets = account.as_function("ClaudeHaiku55Adapter", "secretsmanager")
    own = {"SecretId": account.names["AnthropicKey"]}
    assert not refused(secrets, "get_secret_value", own)
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=policy)
    try:
        assert refused(secrets, "get_secret_value", own)
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
    assert not refused(secrets, "get_secret_value", own)


# -- what each must be able to do ------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["anthropic", "openai", "gemini", "bedrock"])
def test_an_adapter_asks_its_model_and_leaves_a_receipt(account: Account, provider: str) -> None:
    event = json.loads((ROOT / "events" / f"adapter_{provider}.json").read_text())
    event |= {"receipt": f"alice#{provider}", "keep_reply": True, "deadline_at_ms": int(time.time() * 1_000) + 20_000}
    function = next(logical for logical, name in account.names.items() if name.endswith(f"-adapter-{event['model']}"))
    assert account.invoke(function, event)["reply"], "no reply"
    (left,) = [one for one in account.receipts() if one["receipt"]["S"] == f"alice#{provider}"]
    assert json.loads(left["facts"]["S"])["usage"]["output_tokens"] > 0
    assert left["reply"]["B"]


def test_the_reconciler_goes_through_the_ledger(account: Account) -> None:
    assert account.invoke("ReconcileFunction", {})["failed"] == 0


def test_a_request_with_everything_is_answered_looked_up_and_erased(account: Account, caller: Caller) -> None:
    body = {
        "model": "auto",
        "messages": [{"role": "user", "content": "i want to know my bill details"}],
        "metadata": {"conversation_id": "roles"},
    }
    first = caller.send("POST", "/chat/completions", body, idempotency_key="k1")
    assert first.status_code == 200, first.text
    again = caller.send("POST", "/chat/completions", body, idempotency_key="k1")
    assert again.status_code == 200, again.text
    assert again.json()["choices"] == first.json()["choices"]
    decision = caller.send("GET", f"/decisions/{first.headers['x-request-id']}")
    assert decision.status_code == 200, decision.text
    assert caller.send("GET", "/conversations/roles").status_code == 200
    for path in ("/models", "/models/claude-haiku-5-5", "/health"):
        assert caller.send("GET", path).status_code == 200, path
    priced = caller.send("POST", "/metrics", {"model": "claude-haiku-5-5", "tokens": 1_000})
    assert priced.status_code == 200, priced.text
    assert caller.send("DELETE", "/conversations/roles").status_code in (200, 204)
    assert caller.send("GET", "/conversations/roles").status_code == 404


@pytest.mark.row("E9")
def test_what_the_models_were_like_is_written_down_and_no_store_was_denied(account: Account, caller: Caller) -> None:
    assert caller.ask("how are the models?").status_code == 200
    counters = account.admin("dynamodb").scan(TableName=account.names["CountersTable"])["Items"]
    assert [one for one in counters if one["window"]["S"] == "health#circuit"]
    logs = account.admin("logs")
    for group in ("RouterLogGroup", "AdapterLogGroup"):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=account.names[group])
        lines = [event["message"] for page in pages for event in page["events"]]
        assert lines
        assert not [line for line in lines if "the models' health is unknown" in line or "no receipt" in line]


def test_a_turn_too_long_for_an_item_goes_to_the_bucket_and_is_erased_from_it(account: Account, caller: Caller) -> None:
    noise = Random(1).randbytes(400_000)  # noqa: S311 - no secret, and nothing that packing makes small
    words = base64.b64encode(noise).decode()
    more = {"conversation_id": "long"}
    answer = caller.ask(words, more=more)
    assert answer.status_code == 200, answer.text
    assert account.bodies()
    assert caller.ask("and?", more=more).status_code == 200
    assert caller.send("DELETE", "/conversations/long").status_code in (200, 204)
    assert account.bodies() == []


@pytest.mark.row("E3")
@pytest.mark.parametrize("lane", ["cascade", "ranked", "billing"])
def test_a_plan_is_carried_out(account: Account, caller: Caller, lane: str) -> None:
    reply = caller.ask("Is the monthly fee prorated?", more={"lane": lane, "tier": "standard"})
    assert reply.status_code == 200, reply.text
    assert reply.json()["signalbox"]["resolution"] != "unverified"
    decision = caller.send("GET", f"/decisions/{reply.json()['request_id']}").json()
    assert decision["state"] == "settled"


@pytest.mark.row("A11")
def test_a_reply_is_verified_later_and_erased_with_its_conversation(account: Account, caller: Caller) -> None:
    more = {"lane": "draft", "tier": "standard", "confidence": 0.05, "conversation_id": "later"}
    request_id = caller.ask("Is the monthly fee prorated?", more=more).json()["request_id"]
    final = caller.send("GET", f"/replies/{request_id}?wait=20")
    assert final.status_code == 200, final.text
    assert final.json()["status"] == "final", final.text
    assert final.json()["resolution"] != "unverified"
    assert caller.send("DELETE", "/conversations/later").status_code in (200, 204)
    assert caller.send("GET", f"/replies/{request_id}").status_code == 404


# -- what none may do: function, service, operation, arguments by the resources' names ---------------


def on(table: str, **arguments: Any) -> dict[str, Any]:
    return {"TableName": f"={table}", **arguments}


FORBIDDEN: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("ClaudeHaiku55Adapter", "secretsmanager", "get_secret_value", {"SecretId": "=OpenAIKey"}),
    ("Gpt6LunaAdapter", "secretsmanager", "get_secret_value", {"SecretId": "=AnthropicKey"}),
    ("ClaudeHaiku55Adapter", "secretsmanager", "put_secret_value", {"SecretId": "=AnthropicKey", "SecretString": "x"}),
    ("ClaudeHaiku55Adapter", "dynamodb", "get_item", on("LedgerTable", Key=ENTRY)),
    ("ClaudeHaiku55Adapter", "dynamodb", "put_item", on("LedgerTable", Item=ENTRY)),
    ("ClaudeHaiku55Adapter", "dynamodb", "get_item", on("ReceiptsTable", Key=RECEIPT)),
    ("ClaudeHaiku55Adapter", "dynamodb", "delete_item", on("ReceiptsTable", Key=RECEIPT)),
    ("ClaudeHaiku55Adapter", "dynamodb", "get_item", on("ConversationsTable", Key=TURN)),
    ("ClaudeHaiku55Adapter", "dynamodb", "scan", on("CallersTable")),
    ("ClaudeHaiku55Adapter", "lambda", "invoke", {"FunctionName": "=ClaudeOpus55Adapter", "Payload": b"{}"}),
    ("ClaudeHaiku55Adapter", "s3", "get_object", {"Bucket": "=BodiesBucket", "Key": "alice/c"}),
    ("Nova2LiteAdapter", "secretsmanager", "get_secret_value", {"SecretId": "=AnthropicKey"}),
    ("RouterFunction", "secretsmanager", "get_secret_value", {"SecretId": "=AnthropicKey"}),
    ("RouterFunction", "dynamodb", "get_item", on("CallersTable", Key={"key_hash": {"S": "x"}})),
    ("RouterFunction", "dynamodb", "delete_item", on("LedgerTable", Key=ENTRY)),
    ("RouterFunction", "dynamodb", "scan", on("LedgerTable")),
    ("RouterFunction", "dynamodb", "scan", on("ConversationsTable")),
    ("RouterFunction", "dynamodb", "scan", on("IdempotencyTable")),
    ("RouterFunction", "dynamodb", "put_item", on("ReceiptsTable", Item=RECEIPT)),
    ("RouterFunction", "dynamodb", "delete_table", on("CountersTable")),
    ("RouterFunction", "lambda", "invoke", {"FunctionName": "=ReconcileFunction", "Payload": b"{}"}),
    ("RouterFunction", "lambda", "invoke", {"FunctionName": "=AuthorizerFunction", "Payload": b"{}"}),
    ("RouterFunction", "s3", "list_objects_v2", {"Bucket": "=BodiesBucket"}),
    ("RouterFunction", "s3", "delete_bucket", {"Bucket": "=BodiesBucket"}),
    ("RouterFunction", "secretsmanager", "get_secret_value", {"SecretId": "=WebhookKey"}),
    ("RouterFunction", "dynamodb", "scan", on("RepliesTable")),
    ("RouterFunction", "lambda", "invoke", {"FunctionName": "=CascadeFunction", "Payload": b"{}"}),
    ("RouterFunction", "s3", "put_object", {"Bucket": "=CollectionsBucket", "Key": "billing-policy.sqlite"}),
    ("RouterFunction", "stepfunctions", "delete_state_machine", {"stateMachineArn": "=CascadeMachine"}),
    ("CascadeFunction", "secretsmanager", "get_secret_value", {"SecretId": "=AnthropicKey"}),
    ("CascadeFunction", "dynamodb", "get_item", on("ConversationsTable", Key=TURN)),
    ("CascadeFunction", "dynamodb", "scan", on("RepliesTable")),
    ("CascadeFunction", "dynamodb", "delete_item", on("LedgerTable", Key=ENTRY)),
    ("CascadeFunction", "dynamodb", "put_item", on("ReceiptsTable", Item=RECEIPT)),
    ("CascadeFunction", "stepfunctions", "start_execution", {"stateMachineArn": "=CascadeMachine"}),
    ("CascadeFunction", "lambda", "invoke", {"FunctionName": "=RouterFunction", "Payload": b"{}"}),
    ("ClaudeHaiku55Adapter", "dynamodb", "get_item", on("RepliesTable", Key=REPLY)),
    ("AuthorizerFunction", "dynamodb", "put_item", on("CallersTable", Item={"key_hash": {"S": "x"}})),
    ("AuthorizerFunction", "dynamodb", "scan", on("CallersTable")),
    ("AuthorizerFunction", "dynamodb", "get_item", on("LedgerTable", Key=ENTRY)),
    ("AuthorizerFunction", "secretsmanager", "get_secret_value", {"SecretId": "=OpenAIKey"}),
    ("AuthorizerFunction", "lambda", "invoke", {"FunctionName": "=ClaudeHaiku55Adapter", "Payload": b"{}"}),
    ("ReconcileFunction", "lambda", "invoke", {"FunctionName": "=ClaudeHaiku55Adapter", "Payload": b"{}"}),
    ("ReconcileFunction", "secretsmanager", "get_secret_value", {"SecretId": "=AnthropicKey"}),
    ("ReconcileFunction", "dynamodb", "delete_item", on("LedgerTable", Key=ENTRY)),
    ("ReconcileFunction", "dynamodb", "scan", on("LedgerTable")),
    ("ReconcileFunction", "dynamodb", "get_item", on("ConversationsTable", Key=TURN)),
    ("ReconcileFunction", "s3", "get_object", {"Bucket": "=BodiesBucket", "Key": "alice/c"}),
)


@pytest.mark.parametrize(("function", "service", "operation", "arguments"), FORBIDDEN)
def test_denied(account: Account, function: str, service: str, operation: str, arguments: dict[str, Any]) -> None:
    named = {
        name: account.names[value[1:]] if isinstance(value, str) and value.startswith("=") else value
        for name, value in arguments.items()
    }
    assert refused(account.as_function(function, service), operation, named)
