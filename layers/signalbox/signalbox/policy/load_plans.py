"""What a route says of its plan, and whether that can be meant."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from signalbox.contracts.decisions import Terms
from signalbox.policy.document import CollectionSpec, Document, RouteSpec, WebhookSpec
from signalbox.policy.problems import did_you_mean
from signalbox.policy.resolved import Collection, Role

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Fault:
    """``field`` of the route or collection is wrong."""

    field: str
    code: str
    message: str
    suggestion: str | None = None


def terms(spec: RouteSpec) -> Terms:
    """What the route asks of a reply."""
    return Terms(
        accept=spec.judge.accept,
        escalate=spec.judge.escalate,
        self_check=spec.judge.self_check,
        samples=spec.samples,
        must_verify=spec.must_verify,
        contract=spec.contract,
        citations=spec.citations,
        collection=spec.collection,
        webhook=spec.webhook,
        verify_within_ms=spec.verify_within_ms,
        ceiling_microusd=spec.max_cost_microusd,
    )


def plan_faults(spec: RouteSpec, document: Document, role: Role | None) -> Iterator[Fault]:
    """``role`` is the target's, where it is known."""
    yield from _names(spec, document)
    yield from _shape(spec)
    yield from _enough(spec, document)
    if role is not None and role.pinned:
        yield from _of_a_pin(spec, role)
    if spec.contract is not None and (wrong := _unusable(spec.contract)):
        yield Fault("contract", "invalid_contract", f"not a JSON Schema that can be checked: {wrong}")


def _names(spec: RouteSpec, document: Document) -> Iterator[Fault]:
    roles = {**document.roles, **document.roster}
    for field, name, known, what in (
        ("escalate_to", spec.escalate_to, roles, "role or model named"),
        ("collection", spec.collection, document.collections, "collection"),
        ("webhook", spec.webhook, document.webhooks, "webhook"),
    ):
        if name is not None and name not in known:
            yield Fault(field, "unknown_name", f"no {what} {name!r}", did_you_mean(name, set(known)))
    escalates = document.roles.get(spec.escalate_to or "")
    if escalates is not None and escalates.pinned:
        told = f"{spec.escalate_to!r} is pinned: it is for what no other model may answer"
        yield Fault("escalate_to", "escalate_pinned", told, "another role")


def _shape(spec: RouteSpec) -> Iterator[Fault]:
    if spec.plan != "single" and spec.escalate_to is None:
        told = f"the plan {spec.plan} needs a stronger model"
        yield Fault("plan", "plan_without_escalation", told, "add `escalate_to:` with a role")
    if spec.judge.escalate > spec.judge.accept:
        yield Fault("judge", "invalid_value", "judge.escalate is more than judge.accept")
    if spec.plan == "rerank" and spec.samples < 2:
        yield Fault("plan", "invalid_value", "rerank chooses among samples", "set `samples: 3`")
    if spec.plan in ("single", "verify") and spec.samples > 1:
        yield Fault("samples", "invalid_value", f"the plan {spec.plan} asks for one reply", "remove it")
    if spec.plan == "single" and spec.must_verify:
        yield Fault("must_verify", "invalid_value", "the plan single verifies nothing", "`plan: cascade` or `verify`")
    if spec.webhook is not None and spec.plan != "verify":
        told = f"with the plan {spec.plan} the caller has the final reply already"
        yield Fault("webhook", "invalid_value", told, "remove it, or `plan: verify`")
    if spec.citations and spec.collection is None:
        yield Fault("citations", "missing_field", "there is nothing to cite", "add `collection:`")


def _enough(spec: RouteSpec, document: Document) -> Iterator[Fault]:
    found = document.collections.get(spec.collection or "")
    if found is not None and spec.citations > found.passages:
        told = f"{spec.collection!r} gives {found.passages} passages, so nobody can cite {spec.citations}"
        yield Fault("citations", "invalid_value", told, "more `passages` of the collection, or fewer citations")


def _of_a_pin(spec: RouteSpec, role: Role) -> Iterator[Fault]:
    """Nobody else may see what is pinned, so nobody else can judge it."""
    if spec.plan != "single":
        told = f"{role.name!r} is pinned, so no other model may look at its replies"
        yield Fault("plan", "plan_pinned", told, "`plan: single`; a broken reply goes back to the pin itself")
    if spec.escalate_to is not None:
        told = f"{role.name!r} is pinned, so nothing escalates from it"
        yield Fault("escalate_to", "plan_pinned", told, "remove it; a broken reply goes back to the pin itself")


def _unusable(contract: dict[str, object]) -> str | None:
    from signalbox.integrity.schema import check_schema  # the validator is not loaded where no route has a contract

    return check_schema(contract)


def collections(document: Document) -> dict[str, Collection]:
    return {
        name: Collection(name, spec.kind, spec.passages, spec.most_characters, spec.knowledge_base_id)
        for name, spec in document.collections.items()
    }


def webhook_faults(spec: WebhookSpec) -> Iterator[Fault]:
    url = urlsplit(spec.url)
    if url.scheme != "https" and url.hostname not in LOOPBACK:
        yield Fault("url", "invalid_value", "replies are sent over https alone, but on the machine itself", "https://…")


def collection_faults(spec: CollectionSpec) -> Iterator[Fault]:
    if (spec.kind == "bedrock") != (spec.knowledge_base_id is not None):
        told = "a Knowledge Base has an id, and nothing else has"
        yield Fault("knowledge_base_id", "invalid_value", told, "of kind `bedrock`, and of no other")
