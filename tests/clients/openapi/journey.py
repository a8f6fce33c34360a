"""A token from its creation to its revocation, by the client that openapi-python-client makes of /openapi.json.

Ends with 1 at the first thing that is not as it must be. Values are never printed.
"""

import os

from rotakey_client import AuthenticatedClient
from rotakey_client.api.api_tokens import (
    create_api_token,
    end_api_token_overlap,
    get_api_token,
    list_api_tokens,
    revoke_api_token,
    revoke_api_tokens,
    rotate_api_token,
    update_api_token,
    verify_api_tokens,
)
from rotakey_client.api.gleans_rotatetoken import rotate_token
from rotakey_client.api.health import get_health
from rotakey_client.api.verification import introspect, verify
from rotakey_client.models import (
    APIToken,
    APITokenStatus,
    CreateAPITokenInput,
    EndAPITokenOverlapInput,
    Error,
    ErrorCode,
    IntrospectionInput,
    MetadataEntry,
    Permission,
    RotatedAPIToken,
    UpdateAPITokenInput,
    VerificationCode,
    VerifyAPITokenInput,
    VerifyAPITokensInput,
)
from rotakey_client.types import UNSET

URL, ADMIN = os.environ["ROTAKEY_URL"], os.environ["ROTAKEY_ADMIN"]


# docs:begin openapi-python-client
def connect(value):
    return AuthenticatedClient(base_url=URL, token=value, prefix="", auth_header_name="X-API-Key")
# docs:end


def good(answer, kind=APIToken):
    assert isinstance(answer, kind), answer.code if isinstance(answer, Error) else answer
    return answer


operator = connect(ADMIN)
settings = CreateAPITokenInput(
    name="openapi-python",
    owner="acme",
    scopes=["read"],
    permissions=[Permission.API_TOKEN_VERIFY],
    rotation_period_minutes=60,
    metadata=[MetadataEntry(key="team", value="Zürich")],
)
created = good(create_api_token.sync(client=operator, body=settings))
old = created.value
# docs:begin openapi-python-rotate
rotated = rotate_api_token.sync("self", client=connect(old), idempotency_key="2026-w48")
# docs:end
value = good(rotated, RotatedAPIToken).value
assert value != old and rotated.generation == 2

page = list_api_tokens.sync(client=operator, first=1, name="openapi-python", metadata=["team=Zürich"], status=[APITokenStatus.ACTIVE])
assert [token.id for token in page.data] == [created.id] and not page.page_info.has_next_page
assert good(get_api_token.sync("self", client=connect(value))).value is UNSET
assert [(pair.key, pair.value) for pair in page.data[0].metadata] == [("team", "Zürich")]
change = UpdateAPITokenInput(description="changed")
assert good(update_api_token.sync(created.id, client=operator, body=change)).description == "changed"

verified = verify.sync_detailed(client=connect(value), scope=["read"], metadata=True)
assert verified.headers["X-Token-Metadata"] == '{"team":"Z\\u00fcrich"}'
assert (verified.status_code, verified.headers["X-Token-Owner"]) == (200, "acme")
told = introspect.sync(client=connect(value), body=IntrospectionInput(token=value, rotakey_scope="read"))
assert (told.active, told.client_id, told.sub) == (True, created.id, "acme")

inputs = [VerifyAPITokenInput(value=value, required_scopes=scopes) for scopes in (["read"], ["write"])]
results = verify_api_tokens.sync(client=connect(value), body=VerifyAPITokensInput(inputs=inputs)).verifications
assert [result.code for result in results] == [VerificationCode.VALID, VerificationCode.SCOPE_MISSING]
assert (results[0].token.id, results[1].missing_scopes) == (created.id, ["write"])

in_use = end_api_token_overlap.sync(created.id, client=operator)
assert in_use.code == ErrorCode.STILL_IN_USE and in_use.users[0].user_agent == "python-httpx", in_use
ended = end_api_token_overlap.sync(created.id, client=operator, body=EndAPITokenOverlapInput(force=True))
assert len(good(ended).values) == 1
glean = rotate_token.sync(client=connect(value))
assert glean.rotation_period_minutes == 60
rehearsed = revoke_api_tokens.sync(client=operator, dry_run=True, owner="acme", name="openapi-python").data
assert [(each.token.id, each.refusal) for each in rehearsed] == [(created.id, None)]
assert revoke_api_token.sync_detailed(created.id, client=operator).status_code == 204
refused = get_api_token.sync("self", client=connect(glean.raw_secret))
assert refused.code == ErrorCode.TOKEN_REVOKED
wrong = create_api_token.sync(client=operator, body=CreateAPITokenInput(name=""))
assert (wrong.code, wrong.field) == (ErrorCode.BAD_USER_INPUT, "name")
assert get_health.sync(client=operator) == "ok\n"
print("ok   openapi-python-client: created, rotated, listed, changed, verified, introspected, revoked")
