"""The domain's errors, one tree, each with the HTTP answer it becomes.

::

    SignalboxError
    ├── BadRequest            400  the request is wrong; ``param`` says where
    ├── Unauthorized          401
    ├── Forbidden             403  the caller may not ask for that
    ├── NotFound              404
    ├── Conflict              409  somebody else is at it, or was first
    ├── TooLarge              413
    ├── Unprocessable         422  well-formed, but nobody can answer it
    ├── RateLimited           429  ``retry_after_ms`` says when to come back
    ├── UpstreamFailed        502  the provider answered with something unusable
    ├── Unavailable           503  no candidate could answer now
    └── DeadlinePassed        504
"""


class SignalboxError(Exception):
    """``code`` is stable and documented; ``message`` is for people and names the fix."""

    status = 500
    type = "api_error"

    def __init__(self, code: str, message: str, *, param: str | None = None, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.retry_after_ms = retry_after_ms


class BadRequest(SignalboxError):
    status, type = 400, "invalid_request_error"


class Unauthorized(SignalboxError):
    status, type = 401, "authentication_error"


class Forbidden(SignalboxError):
    status, type = 403, "permission_error"


class NotFound(SignalboxError):
    status, type = 404, "invalid_request_error"


class Conflict(SignalboxError):
    status, type = 409, "conflict_error"


class TooLarge(SignalboxError):
    status, type = 413, "invalid_request_error"


class Unprocessable(SignalboxError):
    status, type = 422, "invalid_request_error"


class RateLimited(SignalboxError):
    status, type = 429, "rate_limit_error"


class UpstreamFailed(SignalboxError):
    status, type = 502, "api_error"


class Unavailable(SignalboxError):
    status, type = 503, "api_error"


class DeadlinePassed(SignalboxError):
    status, type = 504, "timeout_error"
