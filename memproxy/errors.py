"""Every error memproxy raises on purpose; each knows the HTTP status it becomes at the edge.

    MemproxyError
    ├── BadRequest            400  the caller sent something that cannot be understood; names the field
    │   ├── BodyTooLarge      413  the body exceeds `max_body`
    │   └── UnsupportedType   415  the body is in a form that the memory API does not read
    ├── Unauthorized          401  no credential, or one that is wrong or revoked
    ├── Forbidden             403  the credential is good, but not for this
    ├── NotFound              404  no such thing in this tenant
    ├── MethodNotAllowed      405  the path is there, but not for this method
    ├── Conflict              409  somebody else changed it first
    ├── UpstreamError         502  the upstream refused, reset or answered garbage
    │   └── UpstreamTimeout   504  the upstream could not be reached in time
    ├── Unavailable           503  a part of memproxy that this call needs is away
    │   ├── StoreUnavailable  503  the store is locked, gone or broken
    │   └── ModelUnavailable  503  no model, or it failed
    ├── Draining              503  memproxy is shutting down
    └── ConfigError           500  settings that cannot work; raised at start, never by a request

A message says what is wrong and what to do about it, names no secret and holds no user content.
"""


class MemproxyError(Exception):
    """Root of the tree. `str(error)` is safe to show to the caller."""

    status = 500
    code = "internal_error"

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        """The field, header or setting at fault, where there is one."""


class BadRequest(MemproxyError):
    status = 400
    code = "invalid_request"


class BodyTooLarge(BadRequest):
    status = 413
    code = "body_too_large"


class UnsupportedType(BadRequest):
    status = 415
    code = "unsupported_media_type"


class Unauthorized(MemproxyError):
    status = 401
    code = "invalid_api_key"


class Forbidden(MemproxyError):
    status = 403
    code = "forbidden"


class NotFound(MemproxyError):
    status = 404
    code = "not_found"


class MethodNotAllowed(MemproxyError):
    status = 405
    code = "method_not_allowed"

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message)
        self.allow = allow
        """The methods that the path takes, as the header `Allow` lists them."""


class Conflict(MemproxyError):
    status = 409
    code = "conflict"


class UpstreamError(MemproxyError):
    status = 502
    code = "upstream_error"


class UpstreamTimeout(UpstreamError):
    status = 504
    code = "upstream_timeout"


class Unavailable(MemproxyError):
    status = 503
    code = "unavailable"
    retry_after = 2
    """Seconds after which the caller may try again."""


class StoreUnavailable(Unavailable):
    code = "store_unavailable"


class ModelUnavailable(Unavailable):
    code = "model_unavailable"


class Draining(Unavailable):
    code = "shutting_down"


class ConfigError(MemproxyError):
    code = "config_error"
