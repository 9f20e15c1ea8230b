"""Answers HEAD wherever GET is answered: monitors, link checkers and proxies send it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadMiddleware:
    """Answers HEAD as GET would be answered, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the application, HEAD as GET (ASGI)."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        # A copy: the server must still see HEAD, where no body follows the announced length.
        get_scope = {**scope, "method": "GET"}

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                # The log and the metrics name a request by its route.
                scope["route"] = get_scope.get("route")
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app(get_scope, receive, send_head)
