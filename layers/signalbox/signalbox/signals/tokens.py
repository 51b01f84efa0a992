"""How many tokens a request takes: by bounds when they settle it, exactly when they do not."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from signalbox.contracts.messages import Message
from signalbox.contracts.requests import InferenceRequest
from signalbox.contracts.signals import TokenCount
from signalbox.signals.encoding import LONGEST_TOKEN_BYTES, encode

# What OpenAI adds around each message (3, and 1 for its role) and before the reply (3):
# https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
TOKENS_PER_MESSAGE = 4
TOKENS_FOR_REPLY = 3

# English prose takes about four bytes a token.
_BYTES_PER_TOKEN = 4

# Python splits words here; the tokenizer's pattern does not, so one token may span two "words".
_SPLITS_OF_PYTHON_ALONE = ("\n/", "\r/", "\x1c", "\x1d", "\x1e", "\x1f")


def count(request: InferenceRequest, thresholds: Sequence[int], exact: bool) -> TokenCount:
    """Tokens of messages, tool calls, tool definitions and response schema; their framing apart.

    The tokenizer is loaded only when ``exact``, or when one of ``thresholds`` lies within the
    cheap bounds. Otherwise ``value`` is an estimate, a token for four bytes kept within the
    bounds, and compares with every threshold (``<``, ``<=``, ``>``, ``>=``, ``==``) as the exact
    count would. With a ``snapshot`` its tokens stand for the messages, and nothing of them is counted again.
    Raises ``SignalboxError`` (``tokenizer_unavailable``).
    """
    if request.snapshot is not None:
        value = request.snapshot.tokens + definition_tokens(request)
        return TokenCount(value=value, lower=value, upper=value, exact=True, framing=framing_tokens(request))
    texts = [*_request_texts(request), *(text for message in request.messages for text in _texts(message))]
    framing = framing_tokens(request)
    sizes = [(text, _utf8_length(text)) for text in texts]
    upper = sum(size for _, size in sizes)
    lower = sum(_lower(text, size) for text, size in sizes)
    settled = lower == upper or not any(lower <= threshold <= upper for threshold in thresholds)
    if settled and not exact:
        estimate = max(lower, min(upper // _BYTES_PER_TOKEN, upper))
        return TokenCount(value=estimate, lower=lower, upper=upper, exact=lower == upper, framing=framing)
    value = sum(map(count_text, texts))
    return TokenCount(value=value, lower=value, upper=value, exact=True, framing=framing)


def framing_tokens(request: InferenceRequest) -> int:
    """What the chat format adds around the messages and before the reply."""
    messages = len(request.messages) if request.snapshot is None else request.snapshot.messages
    return TOKENS_FOR_REPLY + TOKENS_PER_MESSAGE * messages


def message_tokens(message: Message) -> int:
    """Exact tokens of one message's texts. Counts of several messages add exactly."""
    return sum(map(count_text, _texts(message)))


def definition_tokens(request: InferenceRequest) -> int:
    """Exact tokens of what goes beside the messages: tools and response schema."""
    return sum(map(count_text, _request_texts(request)))


def count_text(text: str) -> int:
    """Exact o200k_base tokens of one string."""
    return len(encode(text))


def bounds(text: str) -> tuple[int, int]:
    """Least and most tokens that ``text`` can take, without a tokenizer; linear, 5 to 15 ms a MB.

    No token is shorter than a byte or longer than 128, and none spans the whitespace between
    two words (but where ``_SPLITS_OF_PYTHON_ALONE`` says so).
    """
    size = _utf8_length(text)
    return _lower(text, size), size


def _lower(text: str, size: int) -> int:
    words = len(text.split()) - sum(map(text.count, _SPLITS_OF_PYTHON_ALONE))
    return max(words, -(-size // LONGEST_TOKEN_BYTES))


def _utf8_length(text: str) -> int:
    """Bytes in UTF-8. A lone surrogate takes three, as does the U+FFFD that tiktoken makes of it."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _texts(message: Message) -> Iterator[str]:
    for part in message.content:
        yield part.text
    for call in message.tool_calls:
        yield from (call.id, call.name, call.arguments)
    if message.tool_call_id is not None:
        yield message.tool_call_id


def _request_texts(request: InferenceRequest) -> Iterable[str]:
    for tool in request.tools:
        yield _compact(tool.model_dump(exclude_none=True))
    schema = request.response_format
    if schema.schema_ is not None:
        yield _compact({"name": schema.name, "schema": schema.schema_})


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
