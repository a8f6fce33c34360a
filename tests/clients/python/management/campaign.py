"""A campaign for the day of an incident, from its creation to its report. Its tokens are collected half a minute after its creation."""

import json
from datetime import UTC, datetime, timedelta

from client import create, given, ok, only, operator, refused, rotate, until, use
from rotakey import (
    APITokenFilter,
    CancelRotationCampaignInput,
    CreateAPITokenInput,
    CreateRotationCampaignInput,
    EndAPITokenOverlapInput,
    MetadataEntryInput,
    ReadRotationCampaignRotationCampaign,
    RevokeAPITokenInput,
    RotationCampaignDeadlineAction,
    RotationCampaignStatus,
    RotationCampaignTokenState,
)

METADATA = [MetadataEntryInput(key="incident", value="ariadne-codegen")]
STATE = RotationCampaignTokenState
orders, value = create(CreateAPITokenInput(name="orders", metadata=METADATA))
invoices, _ = create(CreateAPITokenInput(name="invoices", metadata=METADATA))


def order(at_deadline: RotationCampaignDeadlineAction, reason: str, name: str | None = None) -> str:
    settings = CreateRotationCampaignInput(
        name=name,
        filter_=APITokenFilter(metadata=METADATA),
        deadline=datetime.now(UTC) + timedelta(hours=1),
        at_deadline=at_deadline,
        reason=reason,
        evidence_url="https://tickets.example.com/4714",
    )
    return operator.create_rotation_campaign(settings).create_rotation_campaign.campaign.id


def read() -> ReadRotationCampaignRotationCampaign:
    return given(operator.read_rotation_campaign(id).rotation_campaign)


def states(*only: RotationCampaignTokenState) -> dict[str, RotationCampaignTokenState]:
    nodes = operator.rotation_campaign_tokens(id, states=list(only)).rotation_campaign_tokens.nodes
    return {given(each.token).name: each.state for each in nodes}


id = order(RotationCampaignDeadlineAction.REVOKE, "a laptop was stolen", "incident")
drill = order(RotationCampaignDeadlineAction.NOTHING, "a drill")
over = CancelRotationCampaignInput(id=drill, reason="over")
assert operator.cancel_rotation_campaign(over).cancel_rotation_campaign.campaign.cancelled
listed = [edge.node.id for edge in operator.rotation_campaigns(first=200).rotation_campaigns.edges]
assert listed.index(drill) < listed.index(id)
assert refused(lambda: operator.read_rotation_campaign(orders))["code"] == "NOT_FOUND"
ok("cancel a campaign")

open = until("an open campaign", read, lambda campaign: campaign.status == RotationCampaignStatus.OPEN, 60)
assert (open.progress.total, open.progress.left, open.progress.waiting, open.progress.not_revocable) == (2, 2, 2, 0)
assert json.loads(open.filter_)["metadata"] == {"incident": "ariadne-codegen"}
assert states() == {"orders": STATE.WAITING, "invoices": STATE.WAITING}
newest = rotate(value)
assert states(STATE.ROTATED, STATE.RETIRED) == {"orders": STATE.ROTATED}
use(newest)
assert states()["orders"] == STATE.NEW_VALUE_IN_USE
ended = operator.end_overlap(EndAPITokenOverlapInput(id=orders, force=True)).end_api_token_overlap.token
assert only(ended.values).generation == 2
assert states()["orders"] == STATE.RETIRED
ok("follow the tokens of a campaign")

operator.revoke_api_token(RevokeAPITokenInput(id=invoices, reason="it was not rotated"))
report = until("the report", read, lambda campaign: campaign.ended_at is not None)
assert (report.status, report.cancelled, report.name) == (RotationCampaignStatus.COMPLETED, False, "incident")
assert (report.progress.total, report.progress.left) == (2, 0)
assert (report.progress.retired, report.progress.revoked) == (1, 1)
assert states() == {"orders": STATE.RETIRED, "invoices": STATE.REVOKED}
ok("read the report of a campaign, which leaves none out")
