"""A small OpenID provider: it lets people choose who they are, and signs what it says of them."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "protoecg", "the-secret-of-the-client"
COOKIE_SECRET = "a secret of the tests that signs the cookies"
# Of a server whose people sign in at a provider; its address is to be filled in.
SECRETS = f"""
[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "{COOKIE_SECRET}"
client_id = "{CLIENT}"
client_secret = "{SECRET}"
server_metadata_url = "%s/.well-known/openid-configuration"

[protoecg]
coordinators = ["cora@clinic.example"]
account_secret = "a secret of the tests that accounts are digested with"
"""


class Provider:
    """Discovery, authorization by code with PKCE, tokens and keys, on a free port."""

    def __init__(self, people: dict[str, dict]) -> None:
        self.people = people
        self.signed_out = 0
        self._key = RSAKey.generate_key(2048, parameters={"kid": "1"})
        self._codes: dict[str, tuple[str, dict]] = {}
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def metadata(self) -> dict:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def jwks(self) -> dict:
        return {"keys": [self._key.as_dict(private=False, use="sig", alg="RS256")]}

    def choices(self, asked: dict[str, str]) -> str:
        """Return a page with a link for everybody who could sign in."""
        assert asked["client_id"] == CLIENT and "openid" in asked["scope"].split()
        links = []
        for name in self.people:
            code = secrets.token_urlsafe()
            self._codes[code] = name, asked
            back = urlencode({"code": code, "state": asked["state"]})
            links.append(f'<p><a href="{asked["redirect_uri"]}?{back}">{name}</a></p>')
        return f"<h1>Who are you?</h1>{''.join(links)}"

    def token(self, given: dict[str, str], authorization: str) -> dict:
        """Redeem a code, once, for whoever has the client's secret and the code's verifier."""
        client = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        assert client == f"{CLIENT}:{SECRET}"
        name, asked = self._codes.pop(given["code"])
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
        assert given["redirect_uri"] == asked["redirect_uri"]
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300}
        claims |= {"nonce": asked["nonce"], **self.people[name]}
        return {"access_token": "none", "token_type": "Bearer", "id_token": self.sign(claims)}

    def sign(self, claims: dict) -> str:
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self._key)


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path == "/authorize":
            self._answer(self.provider.choices(asked), "text/html")
        elif address.path == "/logout":
            self.provider.signed_out += 1
            self.send_response(302)
            self.send_header("Location", asked["post_logout_redirect_uri"])
            self.end_headers()
        elif address.path == "/jwks":
            self._answer(json.dumps(self.provider.jwks()))
        else:
            self._answer(json.dumps(self.provider.metadata()))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = {name: values[0] for name, values in parse_qs(body).items()}
        answer = self.provider.token(given, self.headers["Authorization"])
        self._answer(json.dumps(answer))

    def _answer(self, text: str, kind: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass
