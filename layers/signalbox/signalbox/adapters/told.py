"""How much of a provider's own words may be repeated to a caller, a log or a trace."""

import re

from signalbox.contracts.adapters import AdapterRequest

_LONGEST = 300  # characters of a provider's message that are repeated
_WINDOW, _STEP = 8, 4  # finds every run of 11 characters or more that both texts have
_KEY = re.compile(r"\b(?:sk|sb|pk|key|AIza|AKIA|ASIA|Bearer)[-_ ]?[\w*.-]{8,}", re.IGNORECASE)
_NAME = re.compile(r"[\w.\[\]/-]{1,120}")


def told(request: AdapterRequest, message: str | None) -> str:
    """``message`` shortened, or ``""`` when it quotes the conversation or holds anything like a key.

    Providers echo what they refuse: a server's validation error may hold the whole prompt.
    """
    text = " ".join((message or "").split())[:_LONGEST]
    return "" if _KEY.search(text) or _quotes(request, text) else text


def name(text: str | None) -> str:
    """``text`` if it is an identifier (an error code, a parameter's path), else ``""``."""
    return text if text and _NAME.fullmatch(text) else ""


def _quotes(request: AdapterRequest, text: str) -> bool:
    said = [part.text for message in request.messages for part in message.content]
    said += [call.arguments for message in request.messages for call in message.tool_calls]
    if any(len(piece.strip()) >= 4 and " ".join(piece.split()) in text for piece in said):
        return True
    windows = [text[start : start + _WINDOW] for start in range(0, len(text) - _WINDOW + 1, _STEP)]
    return any(window in piece for piece in said for window in windows)
