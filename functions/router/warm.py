"""What is read when it is first needed, read at once where init is on nobody's clock."""

import os

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html: the other value is on-demand.
_AHEAD_OF_REQUESTS = ("provisioned-concurrency", "snap-start")


def warm() -> None:
    """The tokenizer, and the tagger if the policy asks for it, before the first request or the snapshot. Raises
    ``SignalboxError`` where a file of theirs is missing or damaged: such an environment should not come up."""
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") not in _AHEAD_OF_REQUESTS:
        return
    from signalbox.policy.load import load_resource
    from signalbox.signals.encoding import encoder
    from signalbox.tagger.weights import load

    encoder()
    if load_resource().tagged:
        load()
