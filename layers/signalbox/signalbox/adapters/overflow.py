"""Recognizes a context overflow in the words that providers report it with (A16)."""

import re
from dataclasses import dataclass

# Where each is documented or has been seen; `tokens` (or its two parts) and `limit` where it names them.
_PHRASES = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        # Anthropic: the prompt alone, then prompt and output together
        r"prompt is too long: (?P<tokens>\d+) tokens > (?P<limit>\d+) maximum",
        r"input length and `max_tokens` exceed context limit: (?P<tokens>\d+) \+ (?P<output>\d+) > (?P<limit>\d+)",
        # vLLM, current: asked-for output against what the window leaves
        r"'max_(?:completion_)?tokens'.* is too large: (?P<output>\d+)\. This model's maximum context length is "
        r"(?P<limit>\d+) tokens and your request has (?P<tokens>\d+) input tokens",
        r"You passed (?P<tokens>\d+) input tokens and requested (?P<output>\d+) output tokens\. However, the model's "
        r"context length is only (?P<limit>\d+) tokens",
        # OpenAI, Azure, older vLLM, OpenRouter
        r"maximum context length is (?P<limit>\d+) tokens\b.*?"
        r"(?:resulted in|you requested|requested about) (?P<tokens>\d+) tokens",
        # OpenAI, where the input has a limit of its own
        r"input tokens exceed the configured limit of (?P<limit>\d+) tokens\. Your messages resulted in "
        r"(?P<tokens>\d+) tokens",
        # xAI
        r"maximum prompt length is (?P<limit>\d+) but the request contains (?P<tokens>\d+) tokens",
        # llama.cpp server, LM Studio
        r"request \((?P<tokens>\d+) tokens\) exceeds the available context size \((?P<limit>\d+) tokens\)",
        # Mistral
        r"prompt contains (?P<tokens>\d+) tokens.*? too large for model with (?P<limit>\d+) maximum context length",
        # Gemini
        r"input token count \((?P<tokens>\d+)\) exceeds the maximum number of tokens allowed \((?P<limit>\d+)\)",
        # A plain pair, as gateways log it
        r"\btokens=(?P<tokens>\d+)\s+limit=(?P<limit>\d+)",
        # Without figures: OpenAI, llama.cpp, Ollama, Bedrock, Groq
        r"exceeds the context (?:window|length)",
        r"exceeds the available context size",
        r"maximum context length is (?P<limit>\d+)",
        r"maximum context length",
        r"input is too long for requested model",
        r"input tokens exceed(?:s|ed)\b",
        r"number of input tokens exceeds",
        r"reduce the length of the (?:messages|prompt|input)",
        r"prompt is too long",
    )
)


@dataclass(frozen=True)
class Overflow:
    """``tokens`` the provider counted (asked-for output included where it counts that) and its ``limit``."""

    tokens: int | None = None
    limit: int | None = None


def overflow(message: str) -> Overflow | None:
    """The overflow that ``message`` reports, or None when it reports something else."""
    for phrase in _PHRASES:
        if found := phrase.search(message):
            groups = {name: int(value) for name, value in found.groupdict().items() if value}
            tokens = groups["tokens"] + groups.get("output", 0) if "tokens" in groups else None
            return Overflow(tokens, groups.get("limit"))
    return None
