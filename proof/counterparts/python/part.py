"""What both programs have in common: how they are told who they are, and what they say of themselves (../README.md)."""

import http.server
import os
import sys
import urllib.parse

import requests

ISSUER = os.environ.get("ISSUER")
CLIENT_ID = os.environ.get("CLIENT_ID")
CLIENT_SECRET = os.environ.get("CLIENT_SECRET")
CLIENT_AUTH = os.environ.get("CLIENT_AUTH")
SCOPE = os.environ.get("SCOPE")
SERVICE = os.environ.get("SERVICE")


class Refused(Exception):
    """An answer that a client must not go on with; `error` as RFC 6749 has it."""

    def __init__(self, text, error=None):
        super().__init__(text)
        self.error = error


def did(what):
    print(f"did {what}", flush=True)


def discover():
    """RFC 8414 §3, for an issuer without a path: neither library does it for OAuth without OpenID."""
    answer = requests.get(f"{ISSUER}/.well-known/oauth-authorization-server", timeout=10)
    answer.raise_for_status()
    metadata = answer.json()
    assert metadata["issuer"] == ISSUER, metadata
    did("discovery")
    return metadata


class Loopback:
    """Listens on the loopback interface, at a port that is free (RFC 8252 §7.3)."""

    def __init__(self):
        loopback = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b"You can close this window.\n"
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                loopback.callback = urllib.parse.urljoin(loopback.redirect_uri, self.path)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.redirect_uri = f"http://127.0.0.1:{self.server.server_port}/callback"
        self.callback = None

    def opened(self, url):
        """The URL that the user's browser was sent back to."""
        print(f"open {url}", flush=True)
        while self.callback is None:
            self.server.handle_request()
        self.server.server_close()
        return self.callback


def check_issuer(metadata, callback):
    """RFC 9207 §2.4, which neither library does: who uses more than one provider has to."""
    assert metadata["authorization_response_iss_parameter_supported"] is True, metadata
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(callback).query)
    if query.get("iss") != [metadata["issuer"]]:
        raise Refused("another issuer")


def check_error(callback):
    """RFC 6749 §4.1.2.1."""
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(callback).query)
    for error in query.get("error", []):
        raise Refused("the user or the provider has said no", error)


def status(access_token):
    """What the service answers to a request with the token."""
    return requests.get(SERVICE, headers={"Authorization": f"Bearer {access_token}"}, timeout=10).status_code


def main(flows):
    """Runs the flow that the command line names; an error by its code, where it has one."""
    # Whoever asks for the version asks whether all that it takes is there.
    if sys.argv[1] == "--version":
        return
    try:
        flows[sys.argv[1]]()
    except Exception as error:
        print(f"refused {getattr(error, 'error', None) or type(error).__name__}", flush=True)
        raise
