"""``gather``: what a reply and the checks of it show. Pure; nothing here weighs anything."""

from collections.abc import Sequence

from signalbox.confidence.agreement import agreement
from signalbox.confidence.phrases import count_hedges, declines
from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.evidence import Evidence


def gather(
    reply: AdapterReply,
    prior: float,
    *,
    samples: Sequence[AdapterReply] = (),
    schema_valid: bool | None = None,
    citations_valid: bool | None = None,
    self_check: float | None = None,
) -> Evidence:
    """The evidence about ``reply``. ``prior`` (0..1) is what was thought before it: that a small model suffices.

    ``samples``: more replies of the same model to the same request. None where nobody looked.
    """
    return Evidence(
        prior=prior,
        mean_logprob=reply.mean_logprob,
        min_logprob=reply.min_logprob,
        mean_entropy=reply.mean_entropy,
        finish_reason=reply.finish_reason,
        refused=refuses(reply),
        hedges=count_hedges(reply.text),
        output_tokens=reply.usage.output_tokens,
        schema_valid=schema_valid,
        citations_valid=citations_valid,
        agreement=agreement(reply, samples),
        self_check=self_check,
    )


def refuses(reply: AdapterReply) -> bool:
    """Whether it declines, by the provider's word or its own. To call a tool is to answer."""
    if reply.refusal is not None or reply.finish_reason == "content_filter":
        return True
    return not reply.tool_calls and declines(reply.text)
