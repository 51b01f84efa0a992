"""One call of one model on Amazon Bedrock: ``AdapterRequest`` → ``AdapterResult``."""

import gc

# Loading throws nothing away: looking for garbage meanwhile is a tenth of the cold start.
gc.disable()

import os

from adapters.bedrock.provider import BedrockProvider
from signalbox.adapters.lambda_handler import adapter_handler
from signalbox.adapters.settings import AdapterSettings
from signalbox.transport.aws import endpoint


def provider(settings: AdapterSettings) -> BedrockProvider:
    """Bedrock in the function's own region, as the function's own role.

    On a laptop there is no role; ``AWS_BEARER_TOKEN_BEDROCK`` is AWS's own variable for a Bedrock key.
    """
    region = os.environ["AWS_REGION"]
    bearer = os.environ.get("AWS_BEARER_TOKEN_BEDROCK", "")
    return BedrockProvider(region, settings.base_url or endpoint("bedrock-runtime", region), bearer=bearer)


handler = adapter_handler(provider)

gc.freeze()  # what is loaded stays
gc.enable()
