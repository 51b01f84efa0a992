"""Bytes off the wire to one JSON object, or one clear error. Never recurses over the input."""

import json
import re
from array import array
from itertools import accumulate
from typing import Any, NoReturn

from signalbox.contracts.errors import BadRequest, TooLarge

MAX_BODY_BYTES = 5_000_000
MAX_DEPTH = 64

# Possessive, so that a hostile string costs one pass and no memory; an unclosed one ends with the body.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # +1 and -1 as signed bytes
# Besides JSON's own: what `curl -d` says when told nothing, and what says nothing.
_TAKEN_FOR_JSON = ("application/json", "application/x-www-form-urlencoded", "text/plain", "application/octet-stream")
_REPLACED = "\ufffd".encode()
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_json(raw: bytes, content_type: str | None, content_encoding: str | None) -> dict[str, Any]:
    """The JSON object in ``raw``: at most 5 MB, 64 levels, UTF-8, no key twice.

    Raises ``TooLarge`` (``body_too_large``) and ``BadRequest`` (``unsupported_encoding``,
    ``unsupported_media_type``, ``invalid_encoding``, ``json_too_deep``, ``duplicate_key``,
    ``invalid_json``, ``invalid_request``).
    """
    _check_headers(content_type, content_encoding)
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge("body_too_large", f"The body has {len(raw)} bytes; at most {MAX_BODY_BYTES} are taken.")
    if not raw.strip():
        raise BadRequest("invalid_request", "The body is empty; send a JSON object.")
    if raw.startswith(_REPLACED) or b"\x00" in raw[:4]:
        # API Gateway puts U+FFFD for what is not UTF-8, such as the byte order mark of UTF-16.
        raise BadRequest("invalid_encoding", "The body must be UTF-8.")
    text = _decode(raw)
    if depth(raw) > MAX_DEPTH:
        raise BadRequest("json_too_deep", f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    value = _parse(text)
    if _SURROGATE_ESCAPE.search(raw):
        _check_surrogates(value)
    if not isinstance(value, dict):
        raise BadRequest("invalid_request", "The body must be a JSON object.")
    return value


def depth(raw: bytes) -> int:
    """The deepest nesting of ``raw``, brackets in strings aside. Linear; also for invalid JSON."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return 0  # cannot be too deep, whatever is in strings
    brackets = _STRING.sub(b"", raw).translate(_STEPS, _NOT_BRACKETS)
    return max(accumulate(array("b", brackets)), default=0)


def _check_headers(content_type: str | None, content_encoding: str | None) -> None:
    if (content_encoding or "identity").strip().lower() not in ("", "identity"):
        raise BadRequest("unsupported_encoding", "Compressed bodies are not taken; send it without Content-Encoding.")
    media, _, parameters = (content_type or "application/json").lower().partition(";")
    if media.strip() not in _TAKEN_FOR_JSON and not media.strip().endswith("+json"):
        raise BadRequest("unsupported_media_type", "Send the body with Content-Type: application/json.")
    charset = re.search(r'charset="?([^";\s]*)', parameters)
    if charset and charset[1] not in ("utf-8", "utf8", "us-ascii"):
        raise BadRequest("invalid_encoding", "The body must be UTF-8.")


def _decode(raw: bytes) -> str:
    if json.detect_encoding(raw) != "utf-8":  # also what a byte order mark comes out as
        raise BadRequest("invalid_encoding", "The body must be UTF-8 without a byte order mark.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("invalid_encoding", f"The body is not valid UTF-8 at byte {error.start}.") from None


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise BadRequest("invalid_json", f"The body is not valid JSON at {where}: {error.msg}.") from None
    except ValueError:  # Python's own limit on the digits of an integer
        raise BadRequest("invalid_json", "A number in the body has too many digits.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadRequest("duplicate_key", "An object in the body has the same key twice.")
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise BadRequest("invalid_json", "A number in the body is too large.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise BadRequest("invalid_json", f"{name} is not JSON.")


def _check_surrogates(value: Any) -> None:
    """Half a surrogate pair can neither be stored nor sent on; writing it out finds it."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise BadRequest("invalid_encoding", "A string in the body has half of a surrogate pair.") from None
