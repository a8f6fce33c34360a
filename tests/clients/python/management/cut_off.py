"""Who uses the old value, and what retires it: uses, the rehearsal, and the refusal to cut off a value in use."""

from datetime import UTC, datetime

from client import connect, create, given, ok, only, operator, refused, rotate, use, verdict
from rotakey import (
    AuditAction,
    AuditEventFilter,
    CreateAPITokenInput,
    EndAPITokenOverlapInput,
    OverlapEnd,
    OverlapStart,
    RotateAPITokenInput,
    VerificationCode,
    VerifyAPITokenInput,
)

id, first = create(
    CreateAPITokenInput(
        name="orders",
        overlap_minutes=60,
        overlap_starts=OverlapStart.FIRST_USE,
        overlap_ends=OverlapEnd.WHEN_SILENT,
        silent_minutes=2,
    )
)
second = rotate(first, brown_out=True)

# The new value is in use. A forgotten job still sends the old one, also to the protected API, which reports its address.
use(second, "checkout/2.0")
use(first, "nightly-report/1.4")
use(first, "nightly-report/1.5")
asked = [VerifyAPITokenInput(value=first, address="203.0.113.7")]
verified = only(operator.verify_api_tokens(asked).verify_api_tokens)
assert (verified.code, verified.generation, given(verified.token).id) == (VerificationCode.VALID, 1, id)
now = datetime.now(UTC)
assert given(verified.retires_at) > now

token = given(operator.read_api_token(id).api_token)
assert (token.overlap_ends, token.silent_minutes) == (OverlapEnd.WHEN_SILENT, 2)
previous = only([value for value in token.values if value.replaced_at is not None])
assert previous.generation == 1 and given(previous.use_count) >= 3
assert given(previous.last_used_at) < given(previous.brown_outs_start_at) < given(previous.retires_at)
users = {(user.address, user.user_agent): user.count for user in given(previous.users)}
assert users["127.0.0.0/24", "nightly-report"] == 2 and users["203.0.113.0/24", None] == 1
ok("see who uses the old value")

rehearsal = operator.rehearse_retirement(id).rehearse_api_token_retirement
assert (rehearsal.generation, rehearsal.code, rehearsal.needs_force) == (1, VerificationCode.VALUE_RETIRED, True)
assert "nightly-report" in [user.user_agent for user in rehearsal.users] and given(rehearsal.silent_at) > now
# A rotation without an overlap would also retire the current value.
assert given(rehearsal.rotation).needs_force and given(rehearsal.rotation).generations_in_use == [1, 2]
current = operator.rehearse_retirement(id, generation=2).rehearse_api_token_retirement
assert "checkout" in [user.user_agent for user in current.users]
ok("rehearse the retirement")

early = refused(lambda: operator.end_overlap(EndAPITokenOverlapInput(id=id)))
assert early["code"] == "STILL_IN_USE" and datetime.fromisoformat(early["lastUsedAt"]) <= datetime.now(UTC)
assert "nightly-report" in [user["userAgent"] for user in early["users"]]
cut = refused(lambda: connect(second).rotate_api_token(RotateAPITokenInput(overlap_minutes=0)))
assert cut["code"] == "STILL_IN_USE"
ended = operator.end_overlap(EndAPITokenOverlapInput(id=id, force=True)).end_api_token_overlap.token
assert only(ended.values).generation == 2
assert verdict(first) == VerificationCode.VALUE_RETIRED
reason, evidence = "the value was in a public repository", "https://tickets.example.com/4711"
leaked = RotateAPITokenInput(id=id, overlap_minutes=0, force=True, reason=reason, evidence_url=evidence)
assert operator.rotate_api_token(leaked).rotate_api_token.token.generation == 3
assert verdict(second) == VerificationCode.VALUE_RETIRED
ok("retire a value in use, by force only")

rotations = AuditEventFilter(token_id=id, actions=[AuditAction.API_TOKEN_ROTATED])
forced, own = operator.audit_events(filter_=rotations).audit_events.nodes
assert (forced.reason, forced.evidence_url, forced.refusal) == (reason, evidence, None)
assert (own.reason, given(own.actor).id) == (None, id)
ok("read why in the audit log")
