"""A body whose path nobody named: by its shape, and the policy's own paths."""

from typing import Any

from signalbox.contracts.errors import BadRequest
from signalbox.contracts.requests import InferenceRequest
from signalbox.dialects import native, openai_chat
from signalbox.dialects.fields import Hints
from signalbox.policy.resolved import Policy

OPENAI_PATH = "/v1/chat/completions"
NATIVE_PATHS = ("/v1/infer", "/v1/chat")


def parse_either(
    body: dict[str, Any],
    policy: Policy,
    *,
    request_id: str,
    caller: str,
    tier: str,
    path: str | None = None,
    key_id: str = "",
) -> InferenceRequest:
    """``messages`` make it OpenAI's dialect, unless the path or a routing hint beside them is native.

    Without ``path``, a native body is taken for the first native path that a route names, else
    ``/v1/infer``. The body's own ``path``, if any, wins. Raises ``BadRequest``.
    """
    fields = {name: value for name, value in body.items() if name != "path"}
    path = _named_path(body.get("path")) or _named_path(path)
    if "messages" in fields and path not in NATIVE_PATHS and not fields.keys() & Hints.model_fields.keys():
        parse, path = openai_chat.parse, path or OPENAI_PATH
    else:
        parse, path = native.parse, path or _native_path(policy)
    return parse(fields, request_id=request_id, caller=caller, tier=tier, path=path, key_id=key_id)


def _named_path(path: Any) -> str | None:
    if path is None:
        return None
    if not isinstance(path, str) or not path.startswith("/"):
        raise BadRequest("invalid_value", "path begins with a slash, as in /v1/chat.", param="path")
    return path.removeprefix("/api")


def _native_path(policy: Policy) -> str:
    named = {route.path for route in policy.routes}
    return next((path for path in NATIVE_PATHS if path in named), NATIVE_PATHS[0])
