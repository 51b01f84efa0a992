"""``verdict``: what follows from a confidence. Unsure means the stronger model (E4). Pure."""

from signalbox.confidence.evidence import refuses
from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Terms
from signalbox.contracts.evidence import Confidence
from signalbox.contracts.plans import Verdict


def verdict(confidence: Confidence, terms: Terms, reply: AdapterReply) -> tuple[Verdict, str]:
    """What to do with ``reply``, and why, for people.

    From ``terms.accept`` on it is final, under ``terms.escalate`` the stronger model answers anew, in between it
    verifies (where the two overlap, it answers anew). ``must_verify`` accepts nothing. What gives a verifier nothing to
    judge by is answered anew: a refusal, half a reply, a call of tools whose results nobody has seen.
    """
    if refuses(reply):
        return "escalate", "the fast reply declines"
    if reply.finish_reason == "length":
        return "escalate", "the fast reply is cut off"
    value = f"confidence {confidence.value:.3f}"
    if confidence.value < terms.escalate:
        return "escalate", f"{value} is under {terms.escalate:g}{_against(confidence)}"
    accepted = confidence.value >= terms.accept
    if accepted and not terms.must_verify:
        return "accept", f"{value} reaches {terms.accept:g}"
    why = "every reply of this route is verified" if accepted else f"{value} is under {terms.accept:g}"
    if reply.tool_calls:
        return "escalate", f"{why}, and a verifier cannot judge a call of tools"
    return "verify", why + ("" if accepted else _against(confidence))


def _against(confidence: Confidence) -> str:
    """What spoke most against the reply, by its name."""
    named = ((name, worth) for name, worth in confidence.contributions.items() if name != "intercept")
    name, least = min(named, key=lambda item: item[1], default=("", 0.0))
    return f", most of all for {name}" if least < 0 else ""
