"""Lets a browser in that asks for a server by its own name, from its own pages, with its token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

FRAMES = {"x-frame-options": "SAMEORIGIN", "content-security-policy": "frame-ancestors 'self'"}
"""No page of another server may show one of these inside itself."""
HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")
"""Under another name a page would pose as this machine; the port is another one in a tunnel."""


class Gate:
    """Stands before an ASGI application, for HTTP and WebSockets.

    A token comes in the address (`?token=...`), and is a cookie of this server from then on; a
    program may send it as `Authorization: Bearer ...`.
    """

    def __init__(self, app: ASGIApp, command: str, token: str | None) -> None:
        """`command` is what has printed the address; without a token everybody of this machine is
        let in."""
        self._app = app
        self._command = command
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 with one sentence, or let the application answer."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if refusal := self._refusal(connection):
            answer = PlainTextResponse(f"{refusal}\n", 403)
            await (answer if scope["type"] == "http" else WebSocketClose())(scope, receive, send)
            return
        headers = dict(FRAMES)
        if self._token is not None and self._is_token(connection.query_params.get("token", "")):
            headers["set-cookie"] = _cookie(_cookie_name(scope), self._token)
        await self._app(scope, receive, _with_headers(send, headers))

    def _refusal(self, connection: HTTPConnection) -> str | None:
        """Why a request is not answered."""
        host = connection.headers.get("host", "")
        if HOST.fullmatch(host) is None:
            return "fairtune: this server is asked as 127.0.0.1 or localhost only."
        if connection.headers.get("origin", f"http://{host}") != f"http://{host}" or _is_embedded(
            connection.headers
        ):
            return "fairtune: a page of another server may not ask this one."
        given = (
            connection.query_params.get("token", ""),
            connection.cookies.get(_cookie_name(connection.scope), ""),
            connection.headers.get("authorization", "").removeprefix("Bearer "),
        )
        if self._token is not None and not any(map(self._is_token, given)):
            return f"fairtune: open the whole address, with the token, that `{self._command}` " + (
                "printed where it was started."
            )
        return None

    def _is_token(self, given: str) -> bool:
        token = self._token or ""
        return hmac.compare_digest(given.encode(errors="replace"), token.encode())


def _is_embedded(headers: Headers) -> bool:
    """Whether a page of another server asks, as far as the browser says: images, scripts and frames
    have no Origin. A link that somebody follows is let through."""
    is_own = headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    asked = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return not is_own and asked != ("navigate", "document")


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            known = MutableHeaders(scope=message)
            for name, value in headers.items():
                known.append(name, value)
        await send(message)

    return send_with_headers


def _cookie(name: str, token: str) -> str:
    made = Response()
    made.set_cookie(name, token, httponly=True, samesite="strict")
    return made.headers["set-cookie"]


def _cookie_name(scope: Scope) -> str:
    """A browser sends the cookies of one port to all ports of a machine."""
    _, port = scope.get("server") or ("", 0)
    return f"fairtune-{port}"
