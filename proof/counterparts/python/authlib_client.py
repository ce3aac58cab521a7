"""PyPI `authlib`, with requests."""

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from part import CLIENT_AUTH, CLIENT_ID, CLIENT_SECRET, SCOPE, Loopback, check_error, check_issuer, did, discover, main, status

AUTHENTICATION = {"basic": "client_secret_basic", "post": "client_secret_post"}.get(CLIENT_AUTH, "none")


def session(redirect_uri=None):
    return OAuth2Session(
        CLIENT_ID,
        CLIENT_SECRET,
        token_endpoint_auth_method=AUTHENTICATION,
        revocation_endpoint_auth_method=AUTHENTICATION,
        scope=SCOPE,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )


def code():
    metadata = discover()
    loopback = Loopback()
    oauth = session(loopback.redirect_uri)
    verifier = "0123456789-._~" * 4
    url, state = oauth.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    callback = loopback.opened(url)
    check_issuer(metadata, callback)
    # authlib takes an answer without a code for the password grant.
    check_error(callback)
    token = oauth.fetch_token(
        metadata["token_endpoint"], authorization_response=callback, state=state, code_verifier=verifier
    )
    did("code")
    assert status(token["access_token"]) == 200
    did("call")
    refreshed = oauth.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
    assert refreshed["access_token"] != token["access_token"]
    if CLIENT_AUTH == "none":
        assert refreshed["refresh_token"] != token["refresh_token"]
    assert status(refreshed["access_token"]) == 200
    did("refresh")
    if CLIENT_AUTH != "none":
        known = oauth.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"]).json()
        assert known["active"] and known["client_id"] == CLIENT_ID, known
        did("introspection")
    last = refreshed["refresh_token"]
    answer = oauth.revoke_token(metadata["revocation_endpoint"], token=last, token_type_hint="refresh_token")
    assert answer.status_code == 200, answer.text
    assert status(refreshed["access_token"]) == 401
    try:
        oauth.refresh_token(metadata["token_endpoint"], refresh_token=last)
    except OAuthError as error:
        assert error.error == "invalid_grant", error
    else:
        raise AssertionError("a revoked refresh token was accepted")
    did("revocation")


def client_credentials():
    metadata = discover()
    oauth = session()
    token = oauth.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert "refresh_token" not in token, "RFC 6749 §4.4.3"
    assert status(token["access_token"]) == 200
    did("call")


main({"code": code, "client_credentials": client_credentials})
