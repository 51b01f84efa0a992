"""Errors in OpenAI's shape, and validation errors as ours. Nothing of the caller's content is repeated."""

import re
from collections.abc import Mapping
from math import ceil
from typing import Any

from pydantic import ValidationError
from typing_extensions import TypedDict

from signalbox.contracts.errors import BadRequest, Conflict, RateLimited, SignalboxError, Unavailable

MAX_NAME_CHARS = 64
_OWN_CODES = frozenset({"unsupported_parameter", "unsupported_content", "invalid_value"})
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+")


class ErrorDetail(TypedDict):
    """``code`` is stable; ``param`` is where in the body, as ``messages[0].content``."""

    type: str
    code: str
    message: str
    param: str | None
    request_id: str


class ErrorBody(TypedDict):
    """What every failed request is answered with."""

    error: ErrorDetail


def render(error: Exception, request_id: str) -> tuple[int, dict[str, str], ErrorBody]:
    """Status, extra headers and body. An error that is not of our tree becomes a bare 500."""
    if not isinstance(error, SignalboxError):
        error = SignalboxError("internal_error", "Something failed on our side. Quote the request id.")
    headers = {}
    if isinstance(error, Conflict | RateLimited | Unavailable) and error.retry_after_ms is not None:
        headers = {"retry-after": str(ceil(error.retry_after_ms / 1000)), "retry-after-ms": str(error.retry_after_ms)}
    detail = ErrorDetail(
        type=error.type, code=error.code, message=error.message, param=error.param, request_id=request_id
    )
    return error.status, headers, ErrorBody(error=detail)


def from_validation(error: ValidationError, body: Any, prefix: str = "") -> BadRequest:
    """The first complaint about ``body``. ``prefix`` is where ``body`` itself sits in the request."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    param = param_of(first["loc"], body, prefix)
    kind = first["type"]
    if kind in _OWN_CODES:
        return BadRequest(kind, first["msg"], param=param)
    if kind == "missing":
        return BadRequest("missing_parameter", f"{param} is required.", param=param)
    if kind == "extra_forbidden":
        return BadRequest("unknown_parameter", f"There is no parameter {param}.", param=param)
    code = "invalid_type" if kind.endswith("_type") else "invalid_value"
    what = "Input should be an object" if kind in ("model_type", "dict_type") else first["msg"]
    return BadRequest(code, f"{param or 'body'}: {what}.", param=param or None)


def param_of(loc: tuple[int | str, ...], body: Any, prefix: str = "") -> str:
    """``("messages", 0, "content")`` as ``messages[0].content``.

    Tags of union branches (``<text>``), which pydantic puts between, are left out.
    """
    path, here = prefix, body
    for depth, step in enumerate(loc):
        last = depth == len(loc) - 1
        if isinstance(step, int):
            path += f"[{step}]"
            here = here[step] if isinstance(here, list) and step < len(here) else None
        elif isinstance(here, Mapping) and (step in here or (last and not step.startswith("<"))):
            path += f".{_shown(step)}" if path else _shown(step)
            here = here.get(step)
    return path


def _shown(name: str) -> str:
    """A field's name; a caller's own odd or long one is not repeated."""
    return name if len(name) <= MAX_NAME_CHARS and _PLAIN_NAME.fullmatch(name) else "?"
