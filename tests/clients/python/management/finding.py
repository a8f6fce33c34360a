"""Finding tokens: metadata, every condition and every order, counts, the audit log; and what a token may be besides active: suspended, or
not yet valid."""

from datetime import UTC, datetime, timedelta

from client import connect, create, given, ok, operator, refused, verdict
from rotakey import (
    APITokenFilter,
    APITokenKind,
    APITokenOrder,
    APITokenOrderField,
    APITokenStatus,
    AuditAction,
    AuditEventFilter,
    CreateAPITokenInput,
    MetadataEntryInput,
    OrderDirection,
    Permission,
    RefetchNodeAPIToken,
    ResumeAPITokenInput,
    RotateAPITokenInput,
    SuspendAPITokenInput,
    UpdateAPITokenInput,
    VerificationCode,
    VerifyAPITokenInput,
)


def year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=UTC)


permissions = [Permission.API_TOKEN_READ, Permission.API_TOKEN_MODIFY, Permission.API_TOKEN_VERIFY]
maker, value = create(CreateAPITokenInput(name="maker", permissions=permissions, scopes=["read", "write"]))
caller = connect(value)
team, plan = MetadataEntryInput(key="team", value="Zürich"), MetadataEntryInput(key="plan", value="gold")
lemon, lemon_value = create(
    CreateAPITokenInput(
        name="lemon",
        owner="citrus",
        description="sour, and yellow",
        scopes=["read"],
        permissions=[Permission.API_TOKEN_VERIFY],
        metadata=[team, plan],
        expires_at=year(2090),
        rotation_period_minutes=120,
    ),
    caller,
)
public = CreateAPITokenInput(
    name="melon", kind=APITokenKind.PUBLIC, allowed_origins=["https://*.example.com"], rotation_period_minutes=60
)
melon, melon_value = create(public, caller)
clone = CreateAPITokenInput(clone_settings_from=lemon, name="apple", owner="orchard", metadata=[], expires_at=year(2080))
apple, _ = create(clone, caller)
plum, plum_value = create(CreateAPITokenInput(name="plum", not_before=year(2070), scopes=["write"]), caller)
made = datetime.now(UTC) + timedelta(milliseconds=1)
# Apple's overlap runs, and lemon and melon are used.
assert caller.rotate_api_token(RotateAPITokenInput(id=apple)).rotate_api_token.token.generation == 2
inputs = [
    VerifyAPITokenInput(value=melon_value, origin="https://shop.example.com"),
    VerifyAPITokenInput(value=melon_value, origin="https://evil.example"),
    VerifyAPITokenInput(value=lemon_value, required_scopes=["read", "write"]),
    VerifyAPITokenInput(value=plum_value),
]
results = [(result.code, result.missing_scopes) for result in caller.verify_api_tokens(inputs).verify_api_tokens]
assert results == [
    (VerificationCode.VALID, []),
    (VerificationCode.ORIGIN_REFUSED, []),
    (VerificationCode.SCOPE_MISSING, ["write"]),
    (VerificationCode.NOT_YET_VALID, []),
]


def find(condition: APITokenFilter, order: APITokenOrder | None = None) -> list[str]:
    found = operator.find_api_tokens(filter_=condition.model_copy(update={"created_by": maker}), order_by=order)
    return [token.name for token in found.api_tokens.nodes]


finds = [
    (APITokenFilter(created_by=maker), ["lemon", "melon", "apple", "plum"]),
    (APITokenFilter(status=[APITokenStatus.NOT_YET_VALID, APITokenStatus.REVOKED]), ["plum"]),
    (APITokenFilter(name="LEM"), ["lemon"]),
    (APITokenFilter(text="yellow"), ["lemon", "apple"]),
    (APITokenFilter(owner="orchard"), ["apple"]),
    (APITokenFilter(kind=APITokenKind.PUBLIC), ["melon"]),
    (APITokenFilter(scope="write"), ["plum"]),
    (APITokenFilter(permission=Permission.API_TOKEN_VERIFY), ["lemon", "apple"]),
    (APITokenFilter(metadata=[team, plan]), ["lemon"]),
    (APITokenFilter(expires_after=year(2085)), ["lemon"]),
    (APITokenFilter(expires_before=year(2085)), ["apple"]),
    (APITokenFilter(rotate_by_before=datetime.now(UTC) + timedelta(minutes=90)), ["melon"]),
    (APITokenFilter(unused_since=made), ["apple", "plum"]),
    (APITokenFilter(overlap_running=True), ["apple"]),
    # Nobody has used the previous value.
    (APITokenFilter(previous_value_used_within_minutes=5), []),
]
tested = {field for condition, _ in finds for field in condition.model_fields_set}
assert tested == set(APITokenFilter.model_fields), "a condition is not tested"
for condition, expected in finds:
    assert find(condition) == expected, condition
ok("find tokens by every condition")

orders = {
    APITokenOrderField.CREATED_AT: ["lemon", "melon", "apple", "plum"],
    APITokenOrderField.NAME: ["apple", "lemon", "melon", "plum"],
    APITokenOrderField.EXPIRES_AT: ["apple", "lemon", "melon", "plum"],
    APITokenOrderField.ROTATE_BY: ["melon", "lemon", "apple", "plum"],
    # Lemon and melon were used by one request.
    APITokenOrderField.LAST_USED_AT: ["apple", "plum", "lemon", "melon"],
}
assert set(orders) == set(APITokenOrderField), "an order is not tested"
for field, expected in orders.items():
    assert find(APITokenFilter(), APITokenOrder(field=field, direction=OrderDirection.ASC)) == expected, field
    assert find(APITokenFilter(), APITokenOrder(field=field, direction=OrderDirection.DESC)) == expected[::-1], field
ok("list tokens in every order")

counts = operator.count_api_tokens(owners=100).token_counts
assert sum(each.count for each in counts.by_status) == sum(each.count for each in counts.by_kind) == counts.total
assert sum(each.count for each in counts.by_owner) + counts.of_other_owners + counts.without_owner == counts.total
assert {each.status for each in counts.by_status} == set(APITokenStatus)
ok("count tokens")

reason, evidence = "the customer has not paid", "https://tickets.example.com/4713"
why = SuspendAPITokenInput(id=lemon, reason=reason, evidence_url=evidence)
suspended = operator.suspend_api_token(why).suspend_api_token.token
assert suspended.status == APITokenStatus.SUSPENDED and suspended.suspended_at is not None
assert verdict(lemon_value) == VerificationCode.TOKEN_SUSPENDED
resumed = operator.resume_api_token(ResumeAPITokenInput(id=lemon)).resume_api_token.token
assert (resumed.status, resumed.suspended_at) == (APITokenStatus.ACTIVE, None)
assert verdict(lemon_value) == VerificationCode.VALID
change = UpdateAPITokenInput(id=lemon, description=None, metadata=[MetadataEntryInput(key="team", value="Bern")])
updated = operator.update_api_token(change).update_api_token.token
assert (updated.description, updated.protected) == (None, False)
assert [(pair.key, pair.value) for pair in updated.metadata] == [("team", "Bern")]
node = operator.refetch(lemon).node
assert isinstance(node, RefetchNodeAPIToken) and node.name == "lemon"
more = CreateAPITokenInput(name="more", scopes=["admin"])
assert refused(lambda: caller.create_api_token(more))["code"] == "FORBIDDEN"
ok("suspend, resume and change a token")

# The log is newest first. From its end, it is read backwards.
of_lemon = AuditEventFilter(token_id=lemon)
newest = operator.audit_events(filter_=of_lemon, first=3).audit_events.nodes
actions = [AuditAction.API_TOKEN_UPDATED, AuditAction.API_TOKEN_RESUMED, AuditAction.API_TOKEN_SUSPENDED]
assert [event.action for event in newest] == actions
assert [(event.reason, event.evidence_url) for event in newest] == [(None, None), (None, None), (reason, evidence)]
oldest = operator.audit_events(filter_=of_lemon, last=1).audit_events
assert [event.action for event in oldest.nodes] == [AuditAction.API_TOKEN_CREATED] and oldest.page_info.has_previous_page
before = operator.audit_events(filter_=of_lemon, last=2, before=given(oldest.page_info.start_cursor)).audit_events
assert [event.action for event in before.nodes] == actions[1:]
ok("read the audit log forwards and backwards")
