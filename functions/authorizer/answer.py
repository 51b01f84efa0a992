"""API Gateway's side of an authorizer: the policy it wants back."""

from typing import Any

from signalbox.callers.authenticate import Identity


def stage_arn(method_arn: str) -> str:
    """Everything in the stage that ``method_arn`` (``arn:…:api/stage/METHOD/path``) belongs to."""
    api, stage = method_arn.split("/", 3)[:2]
    return f"{api}/{stage}/*"


def allow(identity: Identity, method_arn: str) -> dict[str, Any]:
    """Lets ``identity`` into the whole stage, and tells the router who it is."""
    answer: dict[str, Any] = _policy("Allow", identity.caller, stage_arn(method_arn))
    answer["context"] = {"caller": identity.caller, "tier": identity.tier, "key_id": identity.key_id}
    if identity.usage_key:
        answer["usageIdentifierKey"] = identity.usage_key
    return answer


def deny(method_arn: str) -> dict[str, Any]:
    """Keeps the caller out of the whole stage."""
    return _policy("Deny", "nobody", stage_arn(method_arn))


def _policy(effect: str, principal: str, resource: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
