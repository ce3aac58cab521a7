"""PyPI `requests-oauthlib`, over oauthlib."""

import os

# The auth API of the test speaks plain HTTP.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from oauthlib.oauth2 import BackendApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from part import CLIENT_AUTH, CLIENT_ID, CLIENT_SECRET, SCOPE, Loopback, check_issuer, did, discover, main, status


def authentication():
    """What each request to the token endpoint takes along."""
    return {
        "none": {"include_client_id": True},
        "basic": {"auth": HTTPBasicAuth(CLIENT_ID, CLIENT_SECRET)},
        "post": {"include_client_id": True, "client_secret": CLIENT_SECRET},
    }[CLIENT_AUTH]


def code():
    metadata = discover()
    loopback = Loopback()
    oauth = OAuth2Session(CLIENT_ID, redirect_uri=loopback.redirect_uri, scope=SCOPE.split(), pkce="S256")
    url, _ = oauth.authorization_url(metadata["authorization_endpoint"])
    callback = loopback.opened(url)
    check_issuer(metadata, callback)
    # Compares `state`, and the scope that was given with the one that was asked for.
    token = oauth.fetch_token(metadata["token_endpoint"], authorization_response=callback, **authentication())
    did("code")
    assert status(token["access_token"]) == 200
    did("call")
    parameters = {"client_id": CLIENT_ID} if CLIENT_AUTH == "none" else {}
    if CLIENT_AUTH == "post":
        parameters = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    basic = HTTPBasicAuth(CLIENT_ID, CLIENT_SECRET) if CLIENT_AUTH == "basic" else None
    refreshed = oauth.refresh_token(
        metadata["token_endpoint"], refresh_token=token["refresh_token"], auth=basic, **parameters
    )
    assert refreshed["access_token"] != token["access_token"]
    if CLIENT_AUTH == "none":
        assert refreshed["refresh_token"] != token["refresh_token"]
    assert status(refreshed["access_token"]) == 200
    did("refresh")
    answer = requests.post(
        metadata["revocation_endpoint"],
        data={"token": refreshed["refresh_token"], **parameters},
        auth=basic,
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    assert status(refreshed["access_token"]) == 401
    did("revocation")


def client_credentials():
    metadata = discover()
    oauth = OAuth2Session(client=BackendApplicationClient(CLIENT_ID, scope=SCOPE.split()))
    token = oauth.fetch_token(metadata["token_endpoint"], **authentication())
    assert "refresh_token" not in token, "RFC 6749 §4.4.3"
    assert status(token["access_token"]) == 200
    did("call")


main({"code": code, "client_credentials": client_credentials})
