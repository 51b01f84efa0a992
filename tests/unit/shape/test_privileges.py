"""What every function's and machine's role may do, in full: whatever is added must be added here."""

from typing import Any

import pytest

from tests.unit.shape.template import ADAPTERS, RESOURCES, TEMPLATE, TEXT, listed, of_type, statements, written

DYNAMODB_WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem"}
ANY_ADAPTER = {
    **{adapter: {"lambda:InvokeFunction"} for adapter, _ in ADAPTERS.values()},
    **{f"{adapter}.Alias": {"lambda:InvokeFunction"} for adapter, _ in ADAPTERS.values()},
}
ROUTER = {
    **ANY_ADAPTER,
    "LedgerTable": {"dynamodb:GetItem", *DYNAMODB_WRITES},
    "CountersTable": {"dynamodb:GetItem", "dynamodb:BatchGetItem", *DYNAMODB_WRITES},
    "ConversationsTable": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:DeleteItem", *DYNAMODB_WRITES},
    "IdempotencyTable": {"dynamodb:GetItem", "dynamodb:DeleteItem", *DYNAMODB_WRITES},
    "ReceiptsTable": {"dynamodb:Query", "dynamodb:DeleteItem"},
    "BodiesBucket/*": {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"},
    "RepliesTable": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:DeleteItem", *DYNAMODB_WRITES},
    "CollectionsBucket/*": {"s3:GetObject"},
    "CascadeMachine": {"states:StartExecution", "states:StartSyncExecution"},
    "KnowledgeBaseArns": {"bedrock:Retrieve"},
}
CASCADE = {
    **ANY_ADAPTER,
    "RepliesTable": {"dynamodb:GetItem", "dynamodb:Query", *DYNAMODB_WRITES},
    "LedgerTable": {"dynamodb:GetItem", *DYNAMODB_WRITES},
    "CountersTable": {"dynamodb:GetItem", "dynamodb:BatchGetItem", *DYNAMODB_WRITES},
    "ReceiptsTable": {"dynamodb:Query"},
    "BodiesBucket/*": {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"},
    "WebhookKey": {"secretsmanager:GetSecretValue"},
}
MACHINE = {
    "CascadeFunction.Alias": {"lambda:InvokeFunction"},
    "*": {
        *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery"),
        *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies"),
        "logs:DescribeLogGroups",
    },
}
RECONCILE = {
    "LedgerTable/index/leases": {"dynamodb:Query"},
    "LedgerTable": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
    "CountersTable": {"dynamodb:UpdateItem"},
    "ReceiptsTable": {"dynamodb:Query"},
}
AUTHORIZER = {"CallersTable": {"dynamodb:GetItem"}, "JwtSecretArn": {"secretsmanager:GetSecretValue"}}
NOVA = (
    "arn:AWS::Partition:bedrock:AWS::Region:AWS::AccountId:inference-profile/global.amazon.nova-2-lite-v1:0",
    "arn:AWS::Partition:bedrock:*::foundation-model/amazon.nova-2-lite-v1:0",
)


def adapter(properties: dict[str, Any]) -> dict[str, set[str]]:
    """Its own provider's key, or its own model where the role is the key; and receipts, which it cannot read."""
    leaves = {"ReceiptsTable": {"dynamodb:PutItem"}}
    if "bedrock" in properties["Handler"]:
        return {**leaves, **{arn: {"bedrock:InvokeModel"} for arn in NOVA}}
    provider = {"anthropic": "AnthropicKey", "openai": "OpenAIKey", "gemini": "GeminiKey"}
    secret = provider[properties["Handler"].split(".")[1]]
    assert properties["Environment"]["Variables"]["PROVIDER_SECRET_ARN"] == {"GetAtt": f"{secret}.Id"}
    return {**leaves, secret: {"secretsmanager:GetSecretValue"}}


EXPECTED = {
    "RouterFunction": ROUTER,
    "CascadeFunction": CASCADE,
    "CascadeMachine": MACHINE,
    "ReconcileFunction": RECONCILE,
    "AuthorizerFunction": AUTHORIZER,
    **{name: adapter(properties) for name, properties in ADAPTERS.values()},
}


def test_every_function_and_machine_is_in_the_table() -> None:
    machines = of_type("AWS::Serverless::StateMachine").keys()
    assert EXPECTED.keys() == of_type("AWS::Serverless::Function").keys() | machines


def test_knowledge_bases_are_open_to_nobody_until_they_are_named() -> None:
    assert TEMPLATE["Parameters"]["KnowledgeBaseArns"]["Default"] == ""
    (policy,) = RESOURCES["RouterFunction"]["Properties"]["Policies"]
    (guarded,) = [one["If"] for one in policy["Statement"] if "If" in one]
    assert (guarded[0], guarded[2]) == ("KnowledgeBases", {"Ref": "AWS::NoValue"})
    assert guarded[1]["Action"] == "bedrock:Retrieve"


@pytest.mark.parametrize("name", EXPECTED)
def test_it_may_do_this_and_nothing_else(name: str) -> None:
    allowed: dict[str, set[str]] = {}
    for statement in statements(name):
        assert statement.keys() == {"Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        for resource in listed(statement["Resource"]):
            allowed.setdefault(written(resource), set()).update(listed(statement["Action"]))
    assert allowed == EXPECTED[name]


def test_no_action_is_a_wildcard() -> None:
    assert not any("*" in action for name in EXPECTED for one in statements(name) for action in listed(one["Action"]))


def test_a_wildcard_has_its_reason_beside_it() -> None:
    lines = TEXT.splitlines()
    marks = ("arn:", ".Arn}", "Action:", "Principal:", "Resource:")
    inside = [number for number, line in enumerate(lines) if "*" in line and any(mark in line for mark in marks)]
    assert len(inside) == 11, "a new wildcard, or the test looks for nothing"
    for number in inside:
        above = [line.lstrip() for line in lines[max(0, number - 3) : number]]
        assert any(line.startswith("#") for line in above), lines[number]
