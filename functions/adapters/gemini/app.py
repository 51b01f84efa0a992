"""One call of one Gemini model: ``AdapterRequest`` → ``AdapterResult``."""

import gc

# Loading throws nothing away: looking for garbage meanwhile is a tenth of the cold start.
gc.disable()

from adapters.gemini.dialect import DEFAULT_BASE_URL, Gemini
from signalbox.adapters.http import HttpProvider
from signalbox.adapters.keys import SecretKey
from signalbox.adapters.lambda_handler import adapter_handler
from signalbox.adapters.settings import AdapterSettings


def provider(settings: AdapterSettings) -> HttpProvider:
    """Gemini at the base URL and with the key that the settings name."""
    return HttpProvider(Gemini(settings.base_url or DEFAULT_BASE_URL), SecretKey(settings.secret_arn))


handler = adapter_handler(provider)

gc.freeze()  # what is loaded stays
gc.enable()
