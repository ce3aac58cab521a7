"""What schemathesis has to know of the service beyond its document: who asks, and what is there to be asked for."""

import atexit
import base64
import hashlib
import ipaddress
import os
import subprocess
from itertools import count

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData

SERVICE_URL = os.environ["SERVICE_URL"]
CLI = os.environ["CLI"]
PASSWORD = "plenty-of-blue-herons"
# All ids in the document's examples begin so, and the names of requests that wait for a user.
EXAMPLES = ("01a20a08-", "jta_4f9mXcV1qR7t")
REDIRECT_URI = "http://127.0.0.1/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()

numbers = count(1)
# A list, since anything may be sent as a name.
names = []
broken = []


def noted(make):
    """What goes wrong in here, schemathesis may take for the end of its search, and for a good one."""

    def make_or_note(*args):
        try:
            return make(*args)
        except Exception as error:
            broken.append(error)
            raise

    return make_or_note


@atexit.register
def fail_if_broken():
    if broken:
        print(f"{len(broken)} times there was nobody to ask, or to ask for; first: {broken[0]}", flush=True)
        os._exit(1)


def new_name():
    return f"made-{os.environ['ROUND']}-{next(numbers)}"


def post(path, token, **kwargs):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.post(SERVICE_URL + path, headers=headers, timeout=10, **kwargs)
    answer.raise_for_status()
    return answer.json() if answer.content else None


class Person:
    """One who asks. Whatever became of the user (logged out, disabled, deleted, stripped of scopes), another one takes
    the place before the next request."""

    def __init__(self, *scopes):
        self.scopes = scopes
        self.tokens = [None]

    @noted
    def token(self):
        if not self.is_accepted():
            self.tokens.append(self.new_token())
        return self.tokens[-1]

    def is_accepted(self):
        answer = requests.get(
            f"{SERVICE_URL}/v1/verify",
            params={"scope": self.scopes},
            headers={"Authorization": f"Bearer {self.tokens[-1]}"},
            timeout=10,
        )
        return answer.status_code == 200

    def new_token(self):
        name = new_name()
        # By the operator's hands: the administrator who could do it over HTTP may be the one who is gone.
        create = [CLI, "user", "create", name, *(f"--scope={scope}" for scope in self.scopes)]
        subprocess.run(create, input=f"{PASSWORD}\n", text=True, check=True, stdout=subprocess.DEVNULL)
        return post("/v1/login", None, json={"username": name, "password": PASSWORD})["token"]


ADMIN = Person("admin", "tokens:introspect", "tokens:revoke", "notes:read")
USER = Person("notes:read", "notes:write")


class App:
    """A client, which may do all that clients may; another one, where somebody has done away with it."""

    def __init__(self):
        self.known = None

    def make(self):
        scope = {"name": "notes:read", "title": "Read your notes", "description": ""}
        token = ADMIN.token()
        requests.put(
            f"{SERVICE_URL}/v1/admin/delegable-scopes",
            json=scope,
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        ).raise_for_status()
        account = post("/v1/admin/users", token, json={"username": new_name(), "service": True, "scopes": ["notes:read"]})
        grants = ["authorization_code", "refresh_token", "client_credentials", "device_code"]
        made = {
            "name": new_name(),
            "redirect_uris": [REDIRECT_URI],
            "scopes": ["notes:read"],
            "confidential": True,
            "grant_types": grants,
            "service_account": account["id"],
        }
        return post("/v1/admin/clients", token, json=made)

    @noted
    def client(self):
        if not self.known or not self.is_accepted():
            self.known = self.make()
        return self.known

    def is_accepted(self):
        answer = requests.post(
            f"{SERVICE_URL}/v1/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": self.secret()},
            timeout=10,
        )
        return answer.status_code == 200

    def secret(self):
        pair = f"{self.known['client_id']}:{self.known['client_secret']}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def request(self):
        return {
            "response_type": "code",
            "client_id": self.client()["client_id"],
            "redirect_uri": REDIRECT_URI,
            "scope": "notes:read",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }


APP = App()


def is_for_clients(operation):
    """Whether clients ask by credentials of their own, and nobody by a token."""
    needed = operation.definition.raw.get("security") or []
    return any("client" in one for one in needed) and not any("token" in one for one in needed)


def who_asks(operation):
    """The administrator where a scope is needed, and for the rest a user without any power."""
    needed = operation.definition.raw.get("security")
    if not needed or is_for_clients(operation):
        return None
    if operation.path == "/v1/introspect":
        return ADMIN
    return ADMIN if any(scopes for one in needed for scopes in one.values()) else USER


@schemathesis.auth(refresh_interval=None)
class Token:
    def get(self, case, context):
        person = who_asks(context.operation)
        return person and (person.tokens[-1] or person.token())

    def set(self, case, token, context):
        case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.hook
def before_call(context, case, kwargs):
    person = who_asks(case.operation)
    # Cases are made long before they are sent, and those between may have revoked the token.
    if person and (case.headers or {}).get("Authorization", "").removeprefix("Bearer ") in person.tokens[1:]:
        case.headers["Authorization"] = f"Bearer {person.token()}"
    if str((case.path_parameters or {}).get("id")).startswith(EXAMPLES):
        case.path_parameters.update(real_ids(case))
    if isinstance(case.body, dict):
        as_the_app(case)
    # The tool is fond of names that it has met, and those are taken.
    if isinstance(case.body, dict) and case.operation.path in ("/v1/users", "/v1/admin/users"):
        if case.body.get("username") in names:
            case.body["username"] = new_name()
        names.append(case.body.get("username"))


@schemathesis.hook
def after_call(context, case, response):
    """A user who has another password now, or has tried too many, cannot show what takes the right one any more."""
    if case.operation.path in ("/v1/me", "/v1/me/password") and response.status_code in (204, 429):
        USER.tokens.append(None)


@schemathesis.check
def scope_is_needed(ctx, response, case):
    """What the administrator may do, the user may not."""
    if who_asks(case.operation) is not ADMIN or not 200 <= response.status_code < 300:
        return
    request = response.request.copy()
    request.headers["Authorization"] = f"Bearer {USER.token()}"
    answer = requests.Session().send(request, timeout=10)
    assert answer.status_code == 403, f"a user without the scope is answered {answer.status_code}"


@noted
def real_ids(case):
    """The document's examples are of nobody: somebody is made, for most operations to have something to work on."""
    token = {"name": "made", "scopes": []}
    path = case.operation.path
    if path.startswith("/v1/authorizations/"):
        return {"id": post("/v1/authorizations", None, json=APP.request())["id"]}
    if path.startswith("/v1/grants/"):
        user = USER.token()
        id = post("/v1/authorizations", None, json=APP.request())["id"]
        post(f"/v1/authorizations/{id}/approve", user, json={})
        answer = requests.get(f"{SERVICE_URL}/v1/grants", headers={"Authorization": f"Bearer {user}"}, timeout=10)
        return {"id": answer.json()["grants"][0]["id"]}
    if path.startswith("/v1/admin/clients/"):
        return {"id": APP.make()["client_id"]}
    if case.operation.path == "/v1/tokens/{id}":
        return {"id": post("/v1/tokens", USER.token(), json=token)["token_id"]}
    # Of service accounts, an administrator makes the tokens; people have passwords.
    kind = {"service": True} if "/tokens" in case.operation.path else {"password": PASSWORD}
    ids = {"id": post("/v1/admin/users", ADMIN.token(), json={"username": new_name(), **kind})["id"]}
    if "token" in case.path_parameters:
        path = f"/v1/admin/users/{ids['id']}/tokens"
        ids["token"] = post(path, ADMIN.token(), json=token)["token_id"]
    return ids


@noted
def as_the_app(case):
    """What is asked in an example's name is asked by a client that there is, in its own."""
    path, body = case.operation.path, case.body
    if path == "/v1/authorizations" and str(body.get("client_id")).startswith(EXAMPLES):
        body.update(APP.request())
    if path in ("/v1/token", "/v1/device_authorization") and str(body.get("client_id")).startswith(EXAMPLES):
        body["client_id"] = APP.client()["client_id"]
        case.headers["Authorization"] = APP.secret()
        if path == "/v1/token":
            body["grant_type"] = "client_credentials"


# The right one, or one that is not easy to guess, which no schema can tell.
schemathesis.openapi.format(
    "password",
    st.just(PASSWORD) | st.text(max_size=20).map(lambda text: f"{text}hardly-any-grey-herons"),
)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """What is no finding: some rules of the service are beyond a schema, and one is taken for a rule that is none."""
    if isinstance(failure, RejectedPositiveData) and response.status_code == 422:
        return not all(is_beyond_a_schema(error, case.body) for error in response.json()["errors"])
    if isinstance(failure, AcceptedNegativeData):
        # That a text is a password says how to show it, and nothing of what it may be.
        mutations = getattr(case.meta.phase.data, "mutations", None)
        return not mutations or not all(
            one.keywords == ("format",) and one.schema_pointer.endswith("password") for one in mutations
        )
    return True


def is_address(text):
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def is_beyond_a_schema(error, body):
    field = error["pointer"].removeprefix("/")
    if field in ("password", "new_password"):
        # As 00000000, which is long enough.
        return "too easy to guess" in error["detail"]
    if field in ("grant_types", "redirect_uris", "service_account"):
        # Which go with what, and what RFC 3986 calls a URI.
        return True
    if field == "scopes":
        return "those that are asked for" in error["detail"]
    if field == "username":
        # Letters that are made of something else, and what may stand beside what.
        return not body[field].isascii()
    if field == "address":
        return not is_address(body[field])
    # The bytes are counted, not the characters.
    return field == "email" and len(body[field].encode()) > 254
