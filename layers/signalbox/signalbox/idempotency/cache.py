"""The short-circuit cache: what may be repeated, under which key, and what the caller says of it. Pure."""

import hashlib
import json
import re
from dataclasses import dataclass

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Decision
from signalbox.contracts.requests import InferenceRequest
from signalbox.execution.profile import merged_sampling
from signalbox.policy.resolved import Policy, Route

# They change nothing of a reply: who it is for stands before the key, how it travels is decided when it is sent.
_IRRELEVANT = {
    "request_id",
    "caller",
    "key_id",
    "id",
    "metadata",
    "stream",
    "stream_usage",
    "conversation_id",
    "conversation_history",
    "snapshot",
    "recent",
    "deadline_ms",
}


@dataclass(frozen=True)
class CacheControl:
    """A request's ``Cache-Control``. ``max_age_s``: an older answer is of no use."""

    no_store: bool = False
    no_cache: bool = False
    max_age_s: int | None = None


# One directive of the list: a token, and its argument as a token or quoted, where commas separate nothing.
_DIRECTIVE = re.compile(
    r"""[\s,]*([!#$%&'*+.^_`|~\w-]+)(?:=([!#$%&'*+.^_`|~\w-]+|"(?:[^"\\]|\\.)*"))?\s*(?:,|$)""", re.ASCII
)


def directives(header: str | None) -> CacheControl:
    """What a ``Cache-Control`` header says (RFC 9111, 5.2.1); what is malformed or unknown says nothing.

    Of two values for one directive the first one holds (4.2.1).
    """
    found: dict[str, str] = {}
    text, at = header or "", 0
    while at < len(text):
        if one := _DIRECTIVE.match(text, at):
            found.setdefault(one[1].lower(), (one[2] or "").strip('"'))
            at = one.end()
        else:
            at = _next(text, at)
    age = found.get("max-age", "")
    return CacheControl(
        no_store="no-store" in found,
        no_cache="no-cache" in found,
        max_age_s=int(age) if age.isdigit() and len(age) < 10 else None,
    )


def _next(text: str, at: int) -> int:
    """Behind the malformed directive at ``at``."""
    comma = text.find(",", at)
    return len(text) if comma < 0 else comma + 1


def cacheable(request: InferenceRequest, decision: Decision, route: Route, policy: Policy) -> bool:
    """Whether a reply may be repeated: by the route's word, or else at temperature 0 where the policy says so.

    Never one that is bound to a pin, and never another plan's.
    """
    if decision.pinned or route.role.pinned or decision.signals.needs_compliance_check:
        return False
    if request.mode != "live" or decision.plan != "single" or not decision.hops:
        return False
    if route.cache is not None:
        return route.cache
    if not policy.cache.deterministic:
        return False
    return all(merged_sampling(request.sampling, policy.roster[hop.model]).temperature == 0 for hop in decision.hops)


def worth_keeping(reply: AdapterReply) -> bool:
    """A whole answer: not cut off, not declined, not empty."""
    said = bool(reply.text or reply.tool_calls)
    return said and reply.finish_reason in ("stop", "tool_calls") and reply.refusal is None


def cache_key(request: InferenceRequest, policy_version: str, prefix_hash: str | None, chosen: str = "") -> str:
    """Of everything that shapes the answer (hex). ``prefix_hash`` is of what was said before, None for nothing;
    ``chosen`` names who is to answer, as the time of day and the deadline may have a say in that too."""
    asked = request.model_dump(mode="json", exclude=_IRRELEVANT)
    known = json.dumps([request.caller, policy_version, prefix_hash, chosen, asked])  # each apart, whatever it holds
    return hashlib.sha256(known.encode()).hexdigest()
