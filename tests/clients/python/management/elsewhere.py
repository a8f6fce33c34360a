"""Coming from elsewhere: keys of another system are imported by their hashes, verified, and rotated into values of Rotakey. One of them
misses its rotation period, and is revived."""

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from client import given, ok, only, operator, refused, rotate, until, use, verdict
from rotakey import (
    APITokenStatus,
    AuditAction,
    AuditEventFilter,
    ImportAPITokenInput,
    ImportAPITokensInput,
    MetadataEntryInput,
    ReviveAPITokenInput,
    VerificationCode,
)


def key() -> str:
    return f"sk_live_{secrets.token_hex(12)}"


def sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


billing, paused = key(), key()
tokens = [
    ImportAPITokenInput(
        sha256=sha256(billing).hex(),
        format="legacy",
        hint=billing[-4:],
        name="billing",
        owner="elsewhere",
        scopes=["read"],
        expires_at=datetime(2090, 1, 1, tzinfo=UTC),
        metadata=[MetadataEntryInput(key="plan", value="gold")],
    ),
    ImportAPITokenInput(
        sha256=base64.b64encode(sha256(paused)).decode(),
        name="paused",
        created_at=datetime.now(UTC) - timedelta(seconds=57),
        rotation_period_minutes=1,
    ),
]
wrong = ImportAPITokensInput(tokens=[*tokens, ImportAPITokenInput(sha256="short", name="wrong")])
problem = refused(lambda: operator.import_api_tokens(wrong))
assert (problem["code"], problem["field"]) == ("BAD_USER_INPUT", "sha256")
assert verdict(billing) == VerificationCode.UNAUTHENTICATED
imports = operator.import_api_tokens(ImportAPITokensInput(tokens=tokens)).import_api_tokens.imports
assert [each.is_new for each in imports] == [True, True]
first, second = (each.id for each in imports)
repeated = only(operator.import_api_tokens(ImportAPITokensInput(tokens=tokens[:1])).import_api_tokens.imports)
assert (repeated.id, repeated.is_new) == (first, False)
ok("import keys of another system: all, or none")

assert verdict(billing) == VerificationCode.VALID
token = given(operator.read_api_token(first).api_token)
assert (only(token.values).format, only(token.values).hint) == ("legacy", billing[-4:])
assert [(pair.key, pair.value) for pair in token.metadata] == [("plan", "gold")]
value = rotate(billing)
assert value.startswith("rk_")
use(value)
token = given(operator.read_api_token(first).api_token)
assert {value.generation: value.format for value in token.values} == {1: "legacy", 2: None}
ok("rotate a key of another system into a value of Rotakey")

until(
    "the end of the rotation period",
    lambda: given(operator.read_api_token(second).api_token).status,
    lambda status: status == APITokenStatus.ROTATION_OVERDUE,
)
assert verdict(paused) == VerificationCode.ROTATION_OVERDUE
reason = "the job was paused over the holidays"
revived = operator.revive_api_token(ReviveAPITokenInput(id=second, reason=reason)).revive_api_token.token
assert (revived.id, revived.status, revived.generation) == (second, APITokenStatus.ACTIVE, 2)
use(given(revived.value))
assert verdict(paused) == VerificationCode.VALUE_RETIRED
revivals = AuditEventFilter(token_id=second, actions=[AuditAction.API_TOKEN_REVIVED])
assert only(operator.audit_events(filter_=revivals).audit_events.nodes).reason == reason
ok("revive a token that was not rotated in time")
