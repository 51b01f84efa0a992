"""Tool-call ids that a conversation brings from one provider to another."""

import hashlib
import re


def fitting(tool_call_id: str, allowed: re.Pattern[str]) -> str:
    """The id itself where ``allowed`` matches it whole; else a digest of 40 characters.

    A pure function, so a call and its result still name each other. Ids may be of another
    alphabet, or long: those of Gemini's calls carry its thought signature.
    """
    if allowed.fullmatch(tool_call_id):
        return tool_call_id
    return f"call_{hashlib.sha256(tool_call_id.encode()).hexdigest()[:35]}"
