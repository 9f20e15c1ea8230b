"""Reading the key of a request, and what its role may see."""

from fastapi import Request

from schemas.catalogue import Role
from services.access.keys import KeyStore, Principal
from services.access.record_file import RecordFileError
from services.http.service import Problem


def principal_of(request: Request, keys: KeyStore) -> Principal:
    """Return whom a request speaks for.

    Raises Problem: 401 for a missing or invalid key, 503 where the keys can't be read.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    try:
        principal = keys.authenticate(key.strip()) if scheme.lower() == "bearer" else None
    except RecordFileError:
        # The log says so, once: whoever sends can do nothing about it.
        raise Problem(503, "keys can't be checked here just now; try again later") from None
    if principal is None:
        raise Problem(
            401,
            "send a valid key: 'Authorization: Bearer rtk_...'; it may be mistyped or revoked",
            {"WWW-Authenticate": 'Bearer realm="rantai"'},
        )
    return principal


def require_role(principal: Principal, *roles: Role) -> None:
    """Raise Problem 403 where a principal has none of these roles."""
    if principal.role not in roles:
        raise Problem(403, f"this needs a key of role {' or '.join(roles)}")
