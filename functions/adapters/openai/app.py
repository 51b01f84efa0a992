"""One model behind Chat Completions on Lambda."""

import gc

# Loading throws nothing away: looking for garbage meanwhile is a tenth of the cold start.
gc.disable()

from adapters.openai.dialect import OpenAI
from adapters.openai.servers import DEFAULT_BASE_URL
from signalbox.adapters.http import HttpProvider
from signalbox.adapters.keys import SecretKey
from signalbox.adapters.lambda_handler import adapter_handler

handler = adapter_handler(
    lambda settings: HttpProvider(OpenAI(settings.base_url or DEFAULT_BASE_URL), SecretKey(settings.secret_arn))
)

gc.freeze()  # what is loaded stays
gc.enable()
