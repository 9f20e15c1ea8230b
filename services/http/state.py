"""Hands the state of a service to the handlers of its routes.

Handlers are functions of a module, so the same handlers may serve several applications of one
process. The state of an application reaches them with each request.
"""

from typing import Protocol

from fastapi import APIRouter, Depends, Request

from services.access.keys import KeyStore


class ServiceState(Protocol):
    """The state of a service: at least the keys that its requests are authenticated by."""

    @property
    def keys(self) -> KeyStore:
        """The keys of the service."""
        ...


def with_state(router: APIRouter, state: ServiceState) -> APIRouter:
    """Return a router with the routes of `router`, whose requests carry `state`.

    FastAPI runs the dependencies of a router before those of a handler. So every dependency of a
    handler finds the state in `request.state.service`.
    """

    async def carry(request: Request) -> None:
        request.state.service = state

    served = APIRouter()
    served.include_router(router, dependencies=[Depends(carry)])
    return served
