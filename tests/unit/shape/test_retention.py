"""What is stored is encrypted, private, kept as long as it must be and no longer."""

from typing import Any

import pytest

from signalbox.policy.document import RetentionSpec
from tests.unit.shape.template import RESOURCES, TEMPLATE, of_type

# Lost, they could not be had again. The others live for hours or days and go with the stack.
PRECIOUS = {"CallersTable", "ConversationsTable", "LedgerTable", "CountersTable"}
RECOVERED = {"CallersTable", "ConversationsTable", "LedgerTable"}
FORGETS = {
    "ConversationsTable": "expires_at",
    "LedgerTable": "expires_at",
    "CountersTable": "expires_at",
    "ReceiptsTable": "expires_at",
    "IdempotencyTable": "expiration",
    "RepliesTable": "expires_at",
}
TABLES = of_type("AWS::DynamoDB::Table")
BUCKETS = of_type("AWS::S3::Bucket")
BODIES: dict[str, Any] = BUCKETS["BodiesBucket"]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_encrypted_and_outlives_an_update(name: str) -> None:
    table = TABLES[name]
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["UpdateReplacePolicy"] == "Retain"
    assert table["DeletionPolicy"] == ("Retain" if name in PRECIOUS else "Delete")


def test_what_must_be_recoverable_is() -> None:
    asked = {name for name, table in TABLES.items() if "PointInTimeRecoverySpecification" in table["Properties"]}
    assert asked == RECOVERED
    for name in RECOVERED:
        properties = TABLES[name]["Properties"]
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_what_expires_says_when() -> None:
    told = {
        name: table["Properties"]["TimeToLiveSpecification"]
        for name, table in TABLES.items()
        if "TimeToLiveSpecification" in table["Properties"]
    }
    assert told == {name: {"AttributeName": attribute, "Enabled": True} for name, attribute in FORGETS.items()}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_encrypted_private_and_stays(name: str) -> None:
    bucket = BUCKETS[name]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    properties = bucket["Properties"]
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in ("AES256", "aws:kms")
    blocked = properties["PublicAccessBlockConfiguration"]
    names = {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}
    assert blocked == dict.fromkeys(names, True)
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_what_is_erased_has_no_older_version_and_what_is_replaced_has() -> None:
    assert "VersioningConfiguration" not in BODIES["Properties"], "an erased turn would live on"
    collections = BUCKETS["CollectionsBucket"]["Properties"]
    assert collections["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = collections["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] > 0
    assert "ExpirationInDays" not in rule, "a collection in use would go"


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_reached_by_tls_alone(name: str) -> None:
    policy = RESOURCES[f"{name}Policy"]["Properties"]
    assert policy["Bucket"] == {"Ref": name}
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [{"GetAtt": f"{name}.Arn"}, {"Sub": f"${{{name}.Arn}}/*"}]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_body_outlives_its_conversation_and_then_goes() -> None:
    (rule,) = BODIES["Properties"]["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", {"Ref": "BodiesDays"})
    assert TEMPLATE["Parameters"]["BodiesDays"]["Default"] > RetentionSpec().conversations_days
