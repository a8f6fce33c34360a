"""Coming from elsewhere: keys of another system are imported by their hashes, verified, and rotated into values of Rotakey. One of them
misses its rotation period, and is revived."""

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from client import connect, good, issued, ok, only, operator, refused, until, verdict, verified
from rotakey_client.api.api_tokens import get_api_token, import_api_tokens, revive_api_token, rotate_api_token
from rotakey_client.models import (
    APITokenImport,
    APITokenStatus,
    ErrorCode,
    ImportAPITokenInput,
    ImportAPITokensInput,
    MetadataEntry,
    ReviveAPITokenInput,
)


def key() -> str:
    return f"sk_live_{secrets.token_hex(12)}"


def sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


billing, paused, due = key(), key(), key()
now = datetime.now(UTC)
tokens = [
    ImportAPITokenInput(
        sha256=sha256(billing).hex(),
        format_="legacy",
        hint=billing[-4:],
        name="billing",
        owner="elsewhere",
        scopes=["read", "write"],
        expires_at=datetime(2090, 1, 1, tzinfo=UTC),
        metadata=[MetadataEntry(key="plan", value="gold")],
    ),
    ImportAPITokenInput(
        sha256=base64.b64encode(sha256(paused)).decode(),
        name="paused",
        created_at=now - timedelta(seconds=57),
        rotation_period_minutes=1,
    ),
    ImportAPITokenInput(
        sha256=sha256(due).hex(), name="due", created_at=now - timedelta(minutes=55), rotation_period_minutes=60
    ),
]
wrong = ImportAPITokensInput(tokens=[*tokens, ImportAPITokenInput(sha256="short", name="wrong")])
problem = refused(import_api_tokens.sync(client=operator, body=wrong))
assert (problem.code, problem.field) == (ErrorCode.BAD_USER_INPUT, "sha256")
assert problem.message.startswith("Item 4 of tokens: ")
assert verdict(connect(billing)) == ErrorCode.UNAUTHENTICATED
imports = good(import_api_tokens.sync(client=operator, body=ImportAPITokensInput(tokens=tokens))).imports
assert [each.is_new for each in imports] == [True, True, True]
repeated = good(import_api_tokens.sync(client=operator, body=ImportAPITokensInput(tokens=tokens[:1]))).imports
assert repeated == [APITokenImport(id=imports[0].id, is_new=False)]
ok("imported keys of another system: all, or none")

client = connect(billing)
assert verified(client, ["read", "write"])["x-token-owner"] == "elsewhere"
token = good(get_api_token.sync("self", client=client))
assert (token.id, only(token.values).format_, only(token.values).hint) == (imports[0].id, "legacy", billing[-4:])
rotated = good(rotate_api_token.sync("self", client=client))
assert issued(rotated).startswith("rk_")
assert {value.generation: value.format_ for value in rotated.values} == {1: "legacy", 2: None}
verified(connect(issued(rotated)))
ok("a key of another system was verified, and rotated into a value of Rotakey")

rotate_by = datetime.fromisoformat(verified(connect(due))["x-token-rotate-by"])
assert abs(rotate_by - now - timedelta(minutes=5)) < timedelta(seconds=1)
ok("a token that is due soon is told by when")

id = imports[1].id
until(
    "the end of the rotation period",
    lambda: good(get_api_token.sync(id, client=operator)),
    lambda token: token.status == APITokenStatus.ROTATION_OVERDUE,
)
assert refused(rotate_api_token.sync("self", client=connect(paused))).code == ErrorCode.ROTATION_OVERDUE
why = ReviveAPITokenInput(reason="the job was paused over the holidays")
revived = good(revive_api_token.sync(id, client=operator, body=why))
assert (revived.id, revived.status, revived.generation) == (id, APITokenStatus.ACTIVE, 2)
verified(connect(issued(revived)))
assert verdict(connect(paused)) == ErrorCode.VALUE_RETIRED
ok("revived a token that was not rotated in time")
