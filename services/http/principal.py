"""Authenticates a request by its API key, and checks the role of the key."""

from typing import Annotated

from fastapi import Depends, Request

from schemas.catalogue import Role
from services.access.keys import KeyStore, Principal
from services.access.record_file import RecordFileError
from services.http.service import Problem


def principal_of(request: Request, keys: KeyStore) -> Principal:
    """Return the principal whose key a request carries.

    Raises Problem: 401 for a missing or invalid key, 503 if the file of keys can't be read.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    try:
        principal = keys.authenticate(key.strip()) if scheme.lower() == "bearer" else None
    except RecordFileError:
        # The log has the cause already, once; the sender can do nothing about it.
        raise Problem(503, "keys can't be checked at the moment; try again later") from None
    if principal is None:
        raise Problem(
            401,
            "send a valid key: 'Authorization: Bearer rtk_...'; it may be mistyped or revoked",
            {"WWW-Authenticate": 'Bearer realm="rantai"'},
        )
    return principal


async def _asking(request: Request) -> Principal:
    return principal_of(request, request.state.service.keys)


Asking = Annotated[Principal, Depends(_asking)]
"""Who asks: the principal of a request, for handlers whose router has a state (`with_state`)."""


def require_role(principal: Principal, *roles: Role) -> None:
    """Raise Problem 403 unless the principal has one of these roles."""
    if principal.role not in roles:
        raise Problem(403, f"this request needs a key of role {' or '.join(roles)}")
