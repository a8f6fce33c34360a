"""A token from its creation to its revocation, by the client that openapi-python-client makes of /openapi.json.

Ends with 1 at the first thing that is not as it must be. Values are never printed.
"""

from client import connect, good, issued, ok, operator, refused, verdict
from rotakey_client.api.api_tokens import (
    create_api_token,
    get_api_token,
    list_api_tokens,
    revoke_api_token,
    rotate_api_token,
    update_api_token,
    verify_api_tokens,
)
from rotakey_client.api.gleans_rotatetoken import rotate_token
from rotakey_client.api.health import get_health
from rotakey_client.api.verification import introspect, verify
from rotakey_client.models import (
    APITokenStatus,
    CreateAPITokenInput,
    ErrorCode,
    Introspection,
    IntrospectionInput,
    MetadataEntry,
    Permission,
    UpdateAPITokenInput,
    VerificationCode,
    VerifyAPITokenInput,
    VerifyAPITokensInput,
)
from rotakey_client.types import UNSET

settings = CreateAPITokenInput(
    name="openapi-python",
    owner="acme",
    scopes=["read"],
    permissions=[Permission.API_TOKEN_VERIFY],
    rotation_period_minutes=60,
    metadata=[MetadataEntry(key="team", value="Zürich")],
)
created = good(create_api_token.sync(client=operator, body=settings))
old = issued(created)
# docs:begin openapi-python-rotate
rotated = rotate_api_token.sync("self", client=connect(old), idempotency_key="2026-w48")
# docs:end
value = issued(good(rotated))
assert value != old and good(rotated).generation == 2

page = good(
    list_api_tokens.sync(
        client=operator, first=1, name="openapi-python", metadata=["team=Zürich"], status=[APITokenStatus.ACTIVE]
    )
)
assert [token.id for token in page.data] == [created.id] and not page.page_info.has_next_page
assert good(get_api_token.sync("self", client=connect(value))).value is UNSET
assert [(pair.key, pair.value) for pair in page.data[0].metadata] == [("team", "Zürich")]
change = UpdateAPITokenInput(description="changed")
assert good(update_api_token.sync(created.id, client=operator, body=change)).description == "changed"

answer = verify.sync_detailed(client=connect(value), scope=["read"], metadata=True)
assert answer.headers["X-Token-Metadata"] == '{"team":"Z\\u00fcrich"}'
assert (answer.status_code, answer.headers["X-Token-Owner"]) == (200, "acme")
told = introspect.sync(client=connect(value), body=IntrospectionInput(token=value, rotakey_scope="read"))
assert isinstance(told, Introspection) and (told.active, told.client_id, told.sub) == (True, created.id, "acme")

inputs = [VerifyAPITokenInput(value=value, required_scopes=scopes) for scopes in (["read"], ["write"])]
results = good(verify_api_tokens.sync(client=connect(value), body=VerifyAPITokensInput(inputs=inputs))).verifications
assert [result.code for result in results] == [VerificationCode.VALID, VerificationCode.SCOPE_MISSING]
assert results[0].token and (results[0].token.id, results[1].missing_scopes) == (created.id, ["write"])

glean = good(rotate_token.sync(client=connect(value)))
assert glean.rotation_period_minutes == 60
assert revoke_api_token.sync_detailed(created.id, client=operator).status_code == 204
assert verdict(connect(glean.raw_secret)) == ErrorCode.TOKEN_REVOKED
wrong = refused(create_api_token.sync(client=operator, body=CreateAPITokenInput(name="")))
assert (wrong.code, wrong.field) == (ErrorCode.BAD_USER_INPUT, "name")
assert get_health.sync(client=operator) == "ok\n"
ok("created, rotated, listed, changed, verified, introspected, revoked")
