"""One call of one model on Amazon Bedrock: ``AdapterRequest`` → ``AdapterResult``."""

import os

from adapters.bedrock.provider import BedrockProvider
from signalbox.adapters.lambda_handler import adapter_handler
from signalbox.adapters.settings import AdapterSettings
from signalbox.transport.aws import endpoint


def provider(settings: AdapterSettings) -> BedrockProvider:
    """Bedrock in the function's own region, as the function's own role."""
    region = os.environ["AWS_REGION"]
    return BedrockProvider(region, settings.base_url or endpoint("bedrock-runtime", region))


handler = adapter_handler(provider)
