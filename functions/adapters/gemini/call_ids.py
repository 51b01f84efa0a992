"""Tool-call ids that carry Gemini's thought signature.

Since Gemini 3, the first function call of a step comes with an encrypted ``thoughtSignature``,
and the API answers 400 when the next turn does not return it
(https://ai.google.dev/gemini-api/docs/thought-signatures). The chat dialects have no place for
it but the call's id, which every client returns unchanged; so no state is kept here. The ids
use only ``A-Z a-z 0-9 _ -`` on top of Gemini's own.
"""

from typing import NamedTuple

from adapters.gemini.wire import FunctionCall

_SEPARATOR = "__thought__"
_TO_ID = str.maketrans("+/", "-_", "=")
_FROM_ID = str.maketrans("-_", "+/")

# The documented value for calls that another model made, which have no signature of Gemini's.
FOREIGN_SIGNATURE = "skip_thought_signature_validator"


class CallId(NamedTuple):
    """``id`` as Gemini knows it, and the signature (base64) that came with the call."""

    id: str
    signature: str | None


def encode(call: FunctionCall, signature: str | None, reply_id: str, index: int) -> str:
    """The id a caller sees. Older models give none: then reply and position make it unique."""
    plain = call.id or f"call_{reply_id}_{index}"
    return f"{plain}{_SEPARATOR}{signature.translate(_TO_ID)}" if signature else plain


def decode(tool_call_id: str) -> CallId:
    """What ``encode`` put in; any other id comes back as it is, without a signature."""
    plain, _, packed = tool_call_id.partition(_SEPARATOR)
    if not packed:
        return CallId(tool_call_id, None)
    signature = packed.translate(_FROM_ID)
    return CallId(plain, signature + "=" * (-len(signature) % 4))
