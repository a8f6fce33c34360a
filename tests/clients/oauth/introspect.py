"""Holds /introspect against Authlib. Prints a line a check; ends with 1 if one fails. Values are never printed."""

import os
import sys

import requests
from authlib.integrations.requests_client import OAuth2Session

URL, ADMIN = os.environ["ROTAKEY_URL"], os.environ["ROTAKEY_ADMIN"]
results = []


def check(name, good):
    print(f"{'ok  ' if good else 'FAIL'} Authlib: {name}", flush=True)
    results.append(good)


def create(**settings):
    answer = requests.post(f"{URL}/api-tokens", json=settings, headers={"X-API-Key": ADMIN}, timeout=30)
    answer.raise_for_status()
    return answer.json()


def introspect(method, client_id, secret, token):
    # docs:begin authlib
    session = OAuth2Session(client_id, secret, token_endpoint_auth_method=method)
    answer = session.introspect_token(f"{URL}/introspect", token=token)
    # docs:end
    return answer


caller = create(name="orders", permissions=["API_TOKEN_VERIFY"])
stranger = create(name="stranger")
subject = create(name="n", owner="acme", scopes=["read"])

for method in ["client_secret_basic", "client_secret_post"]:
    for name in [caller["id"], "orders"]:
        introspected = introspect(method, name, caller["value"], subject["value"]).json()
        check(f"{method}: as {'its own id' if name == caller['id'] else name}", introspected.get("active") is True and introspected["sub"] == "acme")
    introspected = introspect(method, "orders", caller["value"], "hello").json()
    check(f"{method}: a value that is none is inactive", introspected == {"active": False})
    refusals = [("a bad secret", caller["id"], "hello"), ("the id of one API token", stranger["id"], caller["value"])]
    for what, client_id, secret in refusals:
        refused = introspect(method, client_id, secret, subject["value"])
        challenge = refused.headers.get("WWW-Authenticate", "").split(" ")[0]
        wanted = "Basic" if method == "client_secret_basic" else "Bearer"
        good = (refused.status_code, refused.json().get("error"), challenge) == (401, "invalid_client", wanted)
        check(f"{method}: {what} is refused", good)
    forbidden = introspect(method, stranger["id"], stranger["value"], subject["value"])
    check(f"{method}: one without the permission is refused", forbidden.status_code == 403)
sys.exit(0 if all(results) else 1)
