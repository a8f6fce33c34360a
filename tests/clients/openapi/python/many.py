"""Many tokens at once: rotating and revoking all that match a filter, first without changing anything."""

from client import good, issued, ok, only, operator
from rotakey_client.api.api_tokens import create_api_token, revoke_api_tokens, rotate_api_tokens, update_api_token
from rotakey_client.models import (
    APIToken,
    APITokenFilterInput,
    APITokenStatus,
    CreateAPITokenInput,
    ErrorCode,
    MetadataEntry,
    RotateAPITokensInput,
    UpdateAPITokenInput,
)
from rotakey_client.types import UNSET

METADATA = [MetadataEntry(key="plan", value="silver")]


def create(name: str) -> APIToken:
    return good(create_api_token.sync(client=operator, body=CreateAPITokenInput(name=name, owner="many", metadata=METADATA)))


orders, invoices = create("orders"), create("invoices")
which = APITokenFilterInput(owner="many", metadata=METADATA)
page = good(rotate_api_tokens.sync(client=operator, body=RotateAPITokensInput(filter_=which, dry_run=True, first=1)))
rehearsed = only(page.data)
assert (rehearsed.token.id, rehearsed.refusal, rehearsed.token.value) == (orders.id, None, UNSET)
assert page.page_info.has_next_page
more = RotateAPITokensInput(filter_=which, dry_run=True, first=1, after=page.page_info.end_cursor)
page = good(rotate_api_tokens.sync(client=operator, body=more))
assert only(page.data).token.id == invoices.id and not page.page_info.has_next_page
rotation = RotateAPITokensInput(filter_=which, dry_run=False, reason="yearly rotation")
rotated, again = (
    good(rotate_api_tokens.sync(client=operator, body=rotation, idempotency_key="2026-w48")).data for _ in range(2)
)
assert [(each.token.generation, each.refusal) for each in rotated] == [(2, None), (2, None)]
assert [issued(each.token) for each in rotated] == [issued(each.token) for each in again]
ok("rotated by a filter; the same key gave the same values")

good(update_api_token.sync(invoices.id, client=operator, body=UpdateAPITokenInput(protected=True)))
revoked, final = (
    good(
        revoke_api_tokens.sync(
            client=operator,
            dry_run=dry_run,
            owner="many",
            metadata=["plan=silver"],
            status=[APITokenStatus.ACTIVE],
            reason="the customer has left",
        )
    ).data
    for dry_run in (True, False)
)
assert [each.refusal for each in revoked] == [each.refusal for each in final] == [None, ErrorCode.TOKEN_PROTECTED]
assert revoked[0].token.status == APITokenStatus.ACTIVE
assert [each.token.status for each in final] == [APITokenStatus.REVOKED, APITokenStatus.ACTIVE] and final[1].message
ok("revoked by a filter; what may not be revoked is named")
