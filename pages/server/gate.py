"""What every request passes first: to which address it was sent, and by which browser.

A page of another site must not speak to this server by a visitor's browser, not even where its
name was made to lead here (DNS rebinding). So the name that was asked for has to be one that
`server.allowedHosts` lists, and what changes something has to come from a page of that very name.

A browser is known by a cookie that no script can read. Sessions are bound to it: whoever learns
the id of somebody's session has nothing by it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from http.cookies import SimpleCookie
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from pages.server.held_uploads import HeldUploads
from pages.server.messages import only_wanted
from pages.shell.access import oidc

# As `server.trustedUserHeaders` of the settings names it; what a client sends under it is dropped.
BROWSER_HEADER = b"x-protoecg-browser"
COOKIE, SECURE_COOKIE = "protoecg_browser", "__Host-protoecg_browser"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TOKEN_BYTES = 32
# Streamlit's counts of sessions and caches, by the names of the code.
_METRICS = "/_stcore/metrics"
_READ_ONLY = ("GET", "HEAD", "OPTIONS")
# Nothing is fetched from elsewhere, whatever a page may be made to say; Plotly and Streamlit need
# the rest. The addresses of pages hold keys, which no other site may learn.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
        "frame-ancestors 'none'; base-uri 'self'; object-src 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Gate:
    """ASGI middleware that refuses strangers, knows browsers, and adds the headers of safety."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._uploads = HeldUploads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if problem := _objection(scope):
            await PlainTextResponse(problem, 403, _HEADERS)(scope, receive, send)
            return
        token = _token(scope)
        known = {**scope, "headers": _with_browser(scope, token)}
        if scope["type"] == "websocket":
            receive = only_wanted(receive, send)
        with self._uploads.room_for(scope) as problem:
            if problem:
                await PlainTextResponse(problem, 413, _HEADERS)(scope, receive, send)
                return
            await self._app(known, receive, _answering(scope, token, send))


def _objection(scope: Scope) -> str:
    headers = Headers(scope=scope)
    if scope["path"].endswith(_METRICS) and not _is_of_this_machine(scope, headers):
        return "This server's metrics are for programs on its own machine.\n"
    host = headers.get("host")
    if not is_host_allowed(host):
        return (
            f"This server does not answer to {str(host)[:100]!r}. If that is its address, name it: "
            "streamlit run app.py --server.allowedHosts NAME, or server.allowedHosts in "
            ".streamlit/config.toml.\n"
        )
    if scope.get("method") in _READ_ONLY or _is_own(headers.get("origin"), host):
        return ""
    return (
        "This came from a page of another address. Behind a proxy, have it pass the header Host "
        "on, or name the address in server.corsAllowedOrigins of .streamlit/config.toml.\n"
    )


def _is_of_this_machine(scope: Scope, headers: Headers) -> bool:
    # A proxy on this machine passes on what comes from others, and says so.
    passed_on = "x-forwarded-for" in headers or "forwarded" in headers
    if passed_on or not (client := scope.get("client")):
        return False
    return ip_address(client[0]).is_loopback


def _is_own(origin: str | None, host: str | None) -> bool:
    # What is no browser need not send one, and has no cookie that could be misused.
    if origin is None or urlsplit(origin).netloc == host:
        return True
    return origin in {*config.get_option("server.corsAllowedOrigins"), oidc.own_origin()}


def _with_browser(scope: Scope, token: str | None) -> list[tuple[bytes, bytes]]:
    headers = [(name, value) for name, value in scope["headers"] if name != BROWSER_HEADER]
    if token:
        headers.append((BROWSER_HEADER, hashlib.sha256(token.encode()).hexdigest().encode()))
    return headers


def _token(scope: Scope) -> str | None:
    found = HTTPConnection(scope).cookies.get(_cookie_name(scope), "")
    return found if _TOKEN.fullmatch(found) else None


def _cookie_name(scope: Scope) -> str:
    return SECURE_COOKIE if _is_secure(scope) else COOKIE


def _is_secure(scope: Scope) -> bool:
    return scope["scheme"] in ("https", "wss")


def _answering(scope: Scope, token: str | None, send: Send) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            headers.update(_HEADERS)
            if _is_secure(scope):
                _keep_to_tls(headers)
            if token is None and _is_of_a_page(scope):
                headers.append("set-cookie", _new_cookie(scope))
        await send(message)

    return answer


def _keep_to_tls(headers: MutableHeaders) -> None:
    # Streamlit's own cookies, which say who signed in, would also be sent without TLS.
    for place, (name, value) in enumerate(headers.raw):
        if name == b"set-cookie" and b"; secure" not in value.lower():
            headers.raw[place] = name, value + b"; Secure"


def _is_of_a_page(scope: Scope) -> bool:
    # Asked of the request: an answer from the browser's cache has no type.
    return "text/html" in Headers(scope=scope).get("accept", "")


def _new_cookie(scope: Scope) -> str:
    """Return a cookie that ends with the browser, and is sent from this server's pages alone."""
    name = _cookie_name(scope)
    made: SimpleCookie = SimpleCookie({name: secrets.token_urlsafe(_TOKEN_BYTES)})
    made[name]["path"], made[name]["samesite"] = "/", "Lax"
    made[name]["httponly"], made[name]["secure"] = True, _is_secure(scope)
    return made[name].OutputString()
