"""Every code an error may carry: its HTTP status and what it tells the caller. Published in openapi.json."""

ERROR_CODES: dict[str, tuple[int, str]] = {
    "invalid_request": (400, "The body is empty or not a JSON object."),
    "invalid_json": (400, "The body is not JSON; the message names line and column."),
    "invalid_encoding": (400, "The body is not plain UTF-8."),
    "duplicate_key": (400, "An object in the body has the same key twice."),
    "json_too_deep": (400, "The JSON is nested deeper than 64 levels."),
    "unsupported_encoding": (400, "The body is compressed."),
    "unsupported_media_type": (400, "The body is not declared as application/json."),
    "missing_parameter": (400, "The parameter in `param` is required."),
    "unknown_parameter": (400, "There is no such parameter as `param`."),
    "invalid_type": (400, "The parameter in `param` is of the wrong type."),
    "invalid_value": (400, "The parameter in `param` has a value that is not allowed."),
    "invalid_token_id": (400, "The token ids of `conversation` are not o200k_base, or spell no text."),
    "unsupported_parameter": (400, "A known parameter that cannot be honoured; 422 when no candidate model can."),
    "unsupported_content": (400, "Content of a kind that cannot be honoured, such as an image."),
    "content_refused": (400, "The provider refused the content."),
    "provider_rejected_request": (400, "The provider found the request wrong."),
    "missing_api_key": (401, "No key or token was sent."),
    "invalid_api_key": (401, "The key or token is wrong, revoked or expired."),
    "conversation_not_found": (404, "There is no conversation of yours with this id, or it has expired."),
    "model_not_found": (404, "`model` is neither auto nor a role nor a roster id."),
    "unknown_path": (404, "There is no such path or method."),
    "conversation_conflict": (409, "Another request appended to the conversation; the message has its version."),
    "body_too_large": (413, "The body is over 5 MB."),
    "compliance_unrouted": (422, "A compliance-bound request that no pinned route takes."),
    "context_length_exceeded": (422, "The conversation fits no candidate's window; the message has the figures."),
    "cost_limit_exceeded": (422, "Every candidate would cost more than the route allows."),
    "deadline_too_short": (422, "No candidate is usually quick enough."),
    "max_tokens_exceeded": (422, "No candidate writes that many tokens."),
    "no_route": (422, "The policy has no route for this request."),
    "gate_full": (429, "Every candidate takes as many calls as it may; Retry-After says when to come back."),
    "rate_limit_exceeded": (429, "Too many requests; Retry-After says when to come back."),
    "budget_exceeded": (429, "A cap of the policy has no room; the message has its figures and when it resets."),
    "too_many_in_flight": (429, "As many requests run as the policy allows at a time; try again shortly."),
    "quota_exceeded": (429, "The key has used up its requests of the day."),
    "internal_error": (500, "Something failed on our side; quote the request id."),
    "tokenizer_unavailable": (500, "The tokenizer's ranks are missing or damaged."),
    "malformed_reply": (502, "The provider answered with something unusable."),
    "provider_authentication_failed": (502, "The provider did not take our key."),
    "no_eligible_model": (503, "No candidate may answer now."),
    "provider_unavailable": (503, "The provider did not answer."),
    "refused_by_gateway": (400, "The gateway refused the request; the status and the message say why."),
    "gateway_timeout": (504, "No answer in the time the gateway waits."),
    "model_inference_deadline_exceeded": (504, "The deadline passed before the model answered."),
}


def as_markdown() -> str:
    """The codes as a table."""
    rows = [f"| `{code}` | {status} | {meaning} |" for code, (status, meaning) in ERROR_CODES.items()]
    return "\n".join(["| code | status | meaning |", "| --- | --- | --- |", *rows])
