"""Which providers are real and which are simulated, from the keys in the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.local.ministack import REGION

SIMULATED_KEY = "simulated"


@dataclass(frozen=True)
class Providers:
    """What the stack is deployed with: parameters by name, keys by provider, and who is real."""

    parameters: dict[str, str]
    keys: dict[str, str] = field(repr=False)
    real: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict, repr=False)  # what adapters find in theirs

    @property
    def simulated(self) -> tuple[str, ...]:
        return tuple(name for name in ("anthropic", "openai", "gemini", "bedrock") if name not in self.real)


def simulated(simulator_url: str) -> Providers:
    """Every provider is the simulator."""
    return from_environment(simulator_url, {})


def from_environment(simulator_url: str, environ: Mapping[str, str] = os.environ) -> Providers:
    """A provider is real when its key, or an OpenAI-compatible base URL such as Ollama's, is set; else simulated.

    Bedrock takes a Bedrock API key (``AWS_BEARER_TOKEN_BEDROCK``): local functions have credentials of their own.
    """
    parameters = {
        "AnthropicBaseUrl": simulator_url,
        "OpenAIBaseUrl": f"{simulator_url}/v1",
        "GeminiBaseUrl": simulator_url,
        "BedrockBaseUrl": simulator_url,
    }
    keys = dict.fromkeys(("anthropic", "openai", "gemini"), SIMULATED_KEY)
    passed: dict[str, str] = {}
    real = []
    if key := environ.get("ANTHROPIC_API_KEY"):
        keys["anthropic"] = key
        parameters["AnthropicBaseUrl"] = environ.get("ANTHROPIC_BASE_URL") or "https://api.anthropic.com"
        real.append("anthropic")
    if environ.get("OPENAI_API_KEY") or environ.get("OPENAI_BASE_URL"):
        keys["openai"] = environ.get("OPENAI_API_KEY") or "none"
        parameters["OpenAIBaseUrl"] = environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        real.append("openai")
    if key := environ.get("GEMINI_API_KEY"):
        keys["gemini"] = key
        parameters["GeminiBaseUrl"] = "https://generativelanguage.googleapis.com"
        real.append("gemini")
    if token := environ.get("AWS_BEARER_TOKEN_BEDROCK"):
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or REGION
        parameters["BedrockBaseUrl"] = f"https://bedrock-runtime.{region}.amazonaws.com"
        passed["AWS_BEARER_TOKEN_BEDROCK"] = token
        real.append("bedrock")
    return Providers(parameters, keys, tuple(real), passed)
