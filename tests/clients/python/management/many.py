"""Many tokens at once: rotating and revoking all that match a filter, first without changing anything."""

from client import create, ok, only, operator
from rotakey import (
    APITokenFilter,
    APITokenStatus,
    CreateAPITokenInput,
    ErrorCode,
    MetadataEntryInput,
    RevokeAPITokensInput,
    RotateAPITokensInput,
    UpdateAPITokenInput,
)

METADATA = [MetadataEntryInput(key="plan", value="ariadne-codegen")]
WHICH = APITokenFilter(owner="many", metadata=METADATA)
orders, _ = create(CreateAPITokenInput(name="orders", owner="many", metadata=METADATA))
invoices, _ = create(CreateAPITokenInput(name="invoices", owner="many", metadata=METADATA))

page = operator.rotate_api_tokens(RotateAPITokensInput(filter_=WHICH, dry_run=True, first=1)).rotate_api_tokens
rehearsed = only(page.rotations).token
assert (rehearsed.id, rehearsed.generation, rehearsed.value) == (orders, 1, None) and page.page_info.has_next_page
more = RotateAPITokensInput(filter_=WHICH, dry_run=True, first=1, after=page.page_info.end_cursor)
page = operator.rotate_api_tokens(more).rotate_api_tokens
assert only(page.rotations).token.id == invoices and not page.page_info.has_next_page
yearly = RotateAPITokensInput(filter_=WHICH, dry_run=False, reason="yearly rotation", idempotency_key="2026-w48")
rotations, again = (operator.rotate_api_tokens(yearly).rotate_api_tokens.rotations for _ in range(2))
assert [(each.token.generation, each.refusal, each.message) for each in rotations] == [(2, None, None), (2, None, None)]
assert [each.token.value for each in rotations] == [each.token.value for each in again] and rotations[0].token.value
ok("rotate by a filter; the same key gives the same values")

operator.update_api_token(UpdateAPITokenInput(id=invoices, protected=True))
protected = (invoices, APITokenStatus.ACTIVE, ErrorCode.TOKEN_PROTECTED)
for dry_run, status in [(True, APITokenStatus.ACTIVE), (False, APITokenStatus.REVOKED)]:
    which = RevokeAPITokensInput(filter_=WHICH, dry_run=dry_run, reason="the customer has left")
    revocations = operator.revoke_api_tokens(which).revoke_api_tokens.revocations
    assert [(each.token.id, each.token.status, each.refusal) for each in revocations] == [(orders, status, None), protected]
ok("revoke by a filter; what may not be revoked is named")
