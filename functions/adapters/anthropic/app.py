"""One Claude model on Lambda."""

import gc

# Loading throws nothing away: looking for garbage meanwhile is a tenth of the cold start.
gc.disable()

from adapters.anthropic.dialect import DEFAULT_BASE_URL, Anthropic
from signalbox.adapters.http import HttpProvider
from signalbox.adapters.keys import SecretKey
from signalbox.adapters.lambda_handler import adapter_handler

handler = adapter_handler(
    lambda settings: HttpProvider(Anthropic(settings.base_url or DEFAULT_BASE_URL), SecretKey(settings.secret_arn))
)

gc.freeze()  # what is loaded stays
gc.enable()
