"""A backend behind wxgate. It verifies that requests came through the gateway, reads
the user, and handles the login hook: python3 examples/python/backend.py
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt  # PyJWT

from assertion import verify

keys = jwt.PyJWKClient(os.environ.get("WXGATE_JWKS", "http://127.0.0.1:8080/.well-known/jwks.json"))
issuer = os.environ.get("WXGATE_ISSUER", "wxgate")  # token.issuer
route = os.environ.get("ROUTE", "api")  # the route's name


def hello(headers):
    """Returns the user. Without the verification, anybody who can connect could send X-OpenID."""
    claims = verify(headers.get("X-Identity-Assertion", ""), keys, issuer, route)
    if claims["sub"] != headers.get("X-OpenID"):
        raise jwt.InvalidTokenError("another user")
    return {"openid": claims["sub"], "user_id": claims.get("user_id"), "roles": claims.get("roles")}


def login(headers):
    """Returns the backend's own user id. A response with 403 would refuse the login."""
    claims = verify(headers.get("Authorization", "").removeprefix("Bearer "), keys, issuer, "login-hook")
    return {"user_id": "u-" + claims["sub"], "roles": ["customer"]}


class Backend(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.respond(hello, 403)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/hooks/login":
            self.respond(login, 401)
        else:
            self.respond(hello, 403)

    def respond(self, handle, error_status):
        try:
            status, body = 200, handle(self.headers)
        except jwt.PyJWTError:
            status, body = error_status, {"error": "not through the gateway"}
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


if __name__ == "__main__":
    host, _, port = os.environ.get("LISTEN", "127.0.0.1:3000").rpartition(":")
    ThreadingHTTPServer((host, int(port)), Backend).serve_forever()
