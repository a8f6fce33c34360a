"""Who uses the old value, and what retires it: uses, the rehearsal, the refusal to cut off a value in use, and brown-outs."""

from datetime import UTC, datetime, timedelta

from client import connect, connect_as, given, good, issued, ok, only, operator, refused, verdict, verified
from rotakey_client.api.api_tokens import (
    create_api_token,
    end_api_token_overlap,
    get_api_token,
    rehearse_api_token_retirement,
    rotate_api_token,
)
from rotakey_client.api.audit_log import audit_events
from rotakey_client.models import (
    ActorKind,
    APITokenInclude,
    AuditAction,
    CreateAPITokenInput,
    EndAPITokenOverlapInput,
    ErrorCode,
    OverlapEnd,
    OverlapStart,
    RotateAPITokenInput,
    VerificationCode,
)
from rotakey_client.types import UNSET

settings = CreateAPITokenInput(
    name="orders",
    overlap_minutes=60,
    overlap_starts=OverlapStart.FIRST_USE,
    overlap_ends=OverlapEnd.WHEN_SILENT,
    silent_minutes=2,
)
created = good(create_api_token.sync(client=operator, body=settings))
assert (created.overlap_starts, created.overlap_ends, created.silent_minutes) == (OverlapStart.FIRST_USE, OverlapEnd.WHEN_SILENT, 2)
first = issued(created)
browned = RotateAPITokenInput(brown_out=True)
second = issued(good(rotate_api_token.sync("self", client=connect(first), body=browned)))

# The new value is in use, and a forgotten job still sends the old one.
verified(connect_as("checkout/2.0", second))
for job in ["nightly-report/1.4", "nightly-report/1.5"]:
    headers = verified(connect_as(job, first))
    assert headers["deprecation"].startswith("@") and "sunset" in headers
used = good(get_api_token.sync(created.id, client=operator, include=APITokenInclude.USE))
previous = only([value for value in used.values if value.replaced_at is not None])
assert previous.generation == 1 and given(previous.use_count) >= 2
assert given(previous.last_used_at) < given(previous.brown_outs_start_at) < given(previous.retires_at)
report = only([user for user in given(previous.users) if user.user_agent == "nightly-report"])
assert (report.address, report.count, previous.other_user_count) == ("127.0.0.0/24", 2, 0)
without = good(get_api_token.sync(created.id, client=operator))
assert [value.users for value in without.values] == [UNSET, UNSET]
ok("saw who uses the old value")

rehearsal = good(rehearse_api_token_retirement.sync(created.id, client=operator))
assert (rehearsal.generation, rehearsal.code, rehearsal.needs_force) == (1, VerificationCode.VALUE_RETIRED, True)
assert "nightly-report" in [user.user_agent for user in rehearsal.users]
now = datetime.now(UTC)
assert now < given(rehearsal.silent_at) < now + timedelta(minutes=2)
# A rotation without an overlap would also retire the current value.
rotation = given(rehearsal.rotation)
assert rotation.needs_force and rotation.generations_in_use == [1, 2]
current = good(rehearse_api_token_retirement.sync(created.id, client=operator, generation=2))
assert "checkout" in [user.user_agent for user in current.users]
ok("rehearsed the retirement")

early = refused(end_api_token_overlap.sync(created.id, client=operator))
assert early.code == ErrorCode.STILL_IN_USE and given(early.last_used_at) <= now
assert "nightly-report" in [user.user_agent for user in given(early.users)]
cut = rotate_api_token.sync_detailed("self", client=connect(second), body=RotateAPITokenInput(overlap_minutes=0))
assert (cut.status_code, refused(cut.parsed).code) == (409, ErrorCode.STILL_IN_USE)
ended = good(end_api_token_overlap.sync(created.id, client=operator, body=EndAPITokenOverlapInput(force=True)))
assert only(ended.values).generation == 2
assert verdict(connect(first)) == ErrorCode.VALUE_RETIRED
leaked = RotateAPITokenInput(
    overlap_minutes=0,
    force=True,
    reason="the value was in a public repository",
    evidence_url="https://tickets.example.com/4711",
)
third = good(rotate_api_token.sync(created.id, client=operator, body=leaked))
assert (third.generation, len(third.values), third.cancelled_generation) == (3, 1, None)
assert verdict(connect(second)) == ErrorCode.VALUE_RETIRED
ok("a value in use is retired by force only")

# The audit log says who did that and why, and what was refused before: newest first, also from its end.
actions = [AuditAction.API_TOKEN_ROTATED, AuditAction.API_TOKEN_ROTATION_REFUSED]
log = good(audit_events.sync(client=operator, token_id=created.id, actions=actions))
rotated, denied, earlier = log.data
assert (rotated.reason, rotated.evidence_url, rotated.refusal) == (leaked.reason, leaked.evidence_url, None)
assert given(rotated.actor).kind == ActorKind.API_TOKEN and given(rotated.actor).id != created.id
assert (denied.refusal, denied.reason, given(denied.actor).id) == (ErrorCode.STILL_IN_USE, None, created.id)
oldest = good(audit_events.sync(client=operator, token_id=created.id, actions=actions, last=1))
assert only(oldest.data) == earlier and oldest.page_info.has_previous_page and not oldest.page_info.has_next_page
newer = good(audit_events.sync(client=operator, token_id=created.id, actions=actions, last=2, before=given(oldest.page_info.start_cursor)))
assert newer.data == [rotated, denied]
ok("read in the audit log who cut it off and why")
