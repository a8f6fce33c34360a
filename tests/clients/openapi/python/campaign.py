"""A campaign for the day of an incident, from its creation to its report. Its tokens are collected half a minute after its creation."""

from datetime import UTC, datetime, timedelta

from client import connect, given, good, issued, ok, operator, refused, until, verified
from rotakey_client.api.api_tokens import create_api_token, end_api_token_overlap, revoke_api_token, rotate_api_token
from rotakey_client.api.rotation_campaigns import (
    cancel_rotation_campaign,
    create_rotation_campaign,
    get_rotation_campaign,
    list_rotation_campaign_tokens,
    list_rotation_campaigns,
)
from rotakey_client.models import (
    APIToken,
    APITokenFilterInput,
    CancelRotationCampaignInput,
    CreateAPITokenInput,
    CreateRotationCampaignInput,
    EndAPITokenOverlapInput,
    ErrorCode,
    MetadataEntry,
    RotationCampaign,
    RotationCampaignDeadlineAction,
    RotationCampaignStatus,
    RotationCampaignTokenState,
)

METADATA = [MetadataEntry(key="incident", value="openapi-python-client")]
STATE = RotationCampaignTokenState
which = APITokenFilterInput(metadata=METADATA)
deadline = datetime.now(UTC) + timedelta(hours=1)


def create(name: str) -> APIToken:
    return good(create_api_token.sync(client=operator, body=CreateAPITokenInput(name=name, metadata=METADATA)))


def read() -> RotationCampaign:
    return good(get_rotation_campaign.sync(campaign.id, client=operator))


def states(*only: RotationCampaignTokenState) -> dict[str, RotationCampaignTokenState]:
    page = good(list_rotation_campaign_tokens.sync(campaign.id, client=operator, state=list(only)))
    return {given(each.token).name: each.state for each in page.data}


orders, invoices = create("orders"), create("invoices")
settings = CreateRotationCampaignInput(
    name="incident",
    filter_=which,
    deadline=deadline,
    at_deadline=RotationCampaignDeadlineAction.REVOKE,
    reason="a laptop was stolen",
    evidence_url="https://tickets.example.com/4714",
)
campaign = good(create_rotation_campaign.sync(client=operator, body=settings))
drill = CreateRotationCampaignInput(
    filter_=which, deadline=deadline, at_deadline=RotationCampaignDeadlineAction.NOTHING, reason="a drill"
)
second = good(create_rotation_campaign.sync(client=operator, body=drill))
over = CancelRotationCampaignInput(reason="over")
cancelled = good(cancel_rotation_campaign.sync(second.id, client=operator, body=over))
assert cancelled.cancelled and cancelled.name is None
listed = [each.id for each in good(list_rotation_campaigns.sync(client=operator, first=200)).data]
assert listed.index(second.id) < listed.index(campaign.id)
assert refused(get_rotation_campaign.sync(orders.id, client=operator)).code == ErrorCode.NOT_FOUND
ok("cancelled a campaign")

open = until("an open campaign", read, lambda campaign: campaign.status == RotationCampaignStatus.OPEN, 60)
progress = given(open.progress)
assert (progress.total, progress.left, progress.waiting) == (2, 2, 2)
assert open.filter_["metadata"] == {"incident": "openapi-python-client"}
assert states() == {"orders": STATE.WAITING, "invoices": STATE.WAITING}
newest = connect(issued(good(rotate_api_token.sync("self", client=connect(issued(orders))))))
assert states(STATE.ROTATED, STATE.RETIRED) == {"orders": STATE.ROTATED}
verified(newest)
assert states()["orders"] == STATE.NEW_VALUE_IN_USE
good(end_api_token_overlap.sync("self", client=newest, body=EndAPITokenOverlapInput(force=True)))
assert states()["orders"] == STATE.RETIRED
ok("followed the tokens of a campaign")

assert revoke_api_token.sync_detailed(invoices.id, client=operator).status_code == 204
report = until("the report", read, lambda campaign: campaign.ended_at is not None)
progress = given(report.progress)
assert (report.status, report.cancelled) == (RotationCampaignStatus.COMPLETED, False)
assert (progress.total, progress.left, progress.retired, progress.revoked) == (2, 0, 1, 1)
assert states() == {"orders": STATE.RETIRED, "invoices": STATE.REVOKED}
ok("the report of a campaign leaves none out")
