"""What a policy may say of plans, contracts, collections and webhooks."""

import pytest

from tests.unit.policy.samples import SMALL, found, with_routes

pytestmark = pytest.mark.row("E11")
REST = "{name: rest, target: large}"
DOCUMENTS = "collections: {docs: {kind: sqlite}}\nwebhooks: {crm: {url: 'https://crm.example/hook'}}\n"


def codes(*fields: str, more: str = DOCUMENTS) -> list[str]:
    """The codes of what is wrong with a first route of these fields."""
    text = with_routes("{name: first, matcher: 'has_tools', target: small, " + ", ".join(fields) + "}", REST)
    return [code for *_, code in found(text + more) if code != "unused"]


@pytest.mark.parametrize(
    "fields",
    [
        ("plan: cascade", "escalate_to: large", "judge: {accept: 0.8, escalate: 0.8, self_check: true}"),
        ("plan: verify", "escalate_to: large", "webhook: crm", "must_verify: true", "verify_within_ms: 200000"),
        ("plan: rerank", "escalate_to: large", "samples: 2"),
        ("escalate_to: large", "collection: docs", "citations: 2"),
        ("escalate_to: large", "contract: {type: object, properties: {id: {type: integer}}}"),
    ],
)
def test_what_can_be_meant(fields: tuple[str, ...]) -> None:
    assert codes(*fields) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (("plan: cascade",), "plan_without_escalation"),
        (("plan: cascade", "escalate_to: nobody"), "unknown_name"),
        (("plan: cascade", "escalate_to: compliance"), "escalate_pinned"),
        (("plan: cascade", "escalate_to: large", "judge: {accept: 0.4, escalate: 0.5}"), "invalid_value"),
        (("plan: rerank", "escalate_to: large"), "invalid_value"),
        (("samples: 2",), "invalid_value"),
        (("must_verify: true",), "invalid_value"),
        (("plan: cascade", "escalate_to: large", "webhook: crm"), "invalid_value"),
        (("plan: verify", "escalate_to: large", "webhook: nobody"), "unknown_name"),
        (("citations: 1",), "missing_field"),
        (("collection: docs", "citations: 5"), "invalid_value"),
        (("plan: verify", "escalate_to: large", "samples: 2"), "invalid_value"),
        (("collection: nothing",), "unknown_name"),
        (("escalate_to: large", "contract: {type: objekt}"), "invalid_contract"),
        (("plan: cascade", "escalate_to: small"), "escalate_same"),
        (("escalate_to: large",), "escalate_unused"),
        (("plan: cascade", "escalate_to: large", "cache: true"), "never_cached"),
        (("plan: verify", "escalate_to: large", "verify_within_ms: 200001"), "invalid_value"),
    ],
)
def test_what_cannot(fields: tuple[str, ...], code: str) -> None:
    assert code in codes(*fields)


@pytest.mark.row("E6")
@pytest.mark.parametrize("field", ["plan: cascade", "plan: verify", "plan: rerank"])
def test_nobody_judges_what_is_pinned(field: str) -> None:
    text = with_routes("{name: first, target: compliance, escalate_to: large, samples: 2, " + field + "}", REST)
    assert "plan_pinned" in [code for *_, code in found(text)]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("collections: {docs: {kind: bedrock}}\n", "invalid_value"),
        ("collections: {docs: {kind: sqlite, knowledge_base_id: ABCDEFGHIJ}}\n", "invalid_value"),
        ("webhooks: {crm: {url: 'ftp://x'}}\n", "invalid_value"),
        ("webhooks: {crm: {url: 'http://crm.example/hook'}}\n", "invalid_value"),
        (DOCUMENTS, "unused"),
    ],
)
def test_collections_and_webhooks(more: str, code: str) -> None:
    assert code in [name for *_, name in found(SMALL + more)]
