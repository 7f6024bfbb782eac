"""What can go wrong between a client and the service.

    ClientError
    ├── UnreachableError      nothing answers there, or it broke off, or it took too long
    └── ApiError              the service refused; carries its problem document
        ├── BadRequestError   400, 413, 415  something was sent that it cannot take; `param` names it
        ├── UnauthorizedError 401            no key, or one that is wrong or revoked
        ├── ForbiddenError    403            the key is good, but not for this
        ├── NotFoundError     404
        ├── ConflictError     409            somebody else changed it first
        └── ServerError       500 and up     memproxy, or what it needs, failed

A key is in none of them.
"""

from __future__ import annotations

from memproxy.errors import MemproxyError


class ClientError(MemproxyError):
    """Root of the tree."""

    code = "client_error"


class UnreachableError(ClientError):
    code = "unreachable"


class ApiError(ClientError):
    def __init__(
        self, detail: str, *, status: int, code: str, param: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(detail, param=param)
        self.status = status
        self.code = code
        self.request_id = request_id
        """Under which the service's log knows the request."""


class BadRequestError(ApiError):
    pass


class UnauthorizedError(ApiError):
    pass


class ForbiddenError(ApiError):
    pass


class NotFoundError(ApiError):
    pass


class ConflictError(ApiError):
    pass


class ServerError(ApiError):
    pass


BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: BadRequestError,
    415: BadRequestError,
}


def error_of(status: int) -> type[ApiError]:
    return ServerError if status >= 500 else BY_STATUS.get(status, ApiError)
