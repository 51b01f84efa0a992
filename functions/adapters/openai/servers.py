"""Who is behind a base URL that speaks Chat Completions."""

from typing import Literal
from urllib.parse import urlsplit

Server = Literal["openai", "azure", "compatible"]
DEFAULT_BASE_URL = "https://api.openai.com/v1"
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


def server_of(base_url: str) -> Server:
    """By host name: OpenAI with its regional hosts, Azure's v1 API, or any other server."""
    host = urlsplit(base_url).hostname or ""
    if host == "api.openai.com" or host.endswith(".api.openai.com"):
        return "openai"
    return "azure" if host.endswith(_AZURE) else "compatible"
