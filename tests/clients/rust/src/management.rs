//! What there is beyond a token's own life, for those who manage many: who uses the old value, finding tokens, changing many at once,
//! campaigns, webhooks, and keys of another system.

use crate::client::{Client, Error};
use crate::operations::{
    AuditEvents, CancelRotationCampaign, CreateAPIToken, CreateRotationCampaign, CreateWebhook, DeleteWebhook,
    EndOverlap, FindAPITokens, ImportAPITokens, ReadAPIToken, ReadRotationCampaign, RehearseRetirement,
    RevokeAPITokens, RotateAPITokens, RotationCampaignTokens, VerifyAPITokens,
};
use crate::operations::{
    audit_events, cancel_rotation_campaign, create_api_token, create_rotation_campaign, create_webhook, delete_webhook,
    end_overlap, find_api_tokens, import_api_tokens, read_api_token, read_rotation_campaign, rehearse_retirement,
    revoke_api_tokens, rotate_api_tokens, rotation_campaign_tokens, verify_api_tokens,
};
use crate::{EXPIRY, ok, refusal};

/// A key of another system, and the SHA-256 that this system has of it.
const KEY: &str = "sk_live_graphqlClientOfRust01234";
const SHA256: &str = "63e5da52cee29648f517496e7dcf6cec11e18cdf6b5d8afabb52f647b689f67d";

pub fn manage(admin: &Client, url: &str) -> Result<(), Error> {
    retire_in_use(admin, url)?;
    find_and_change(admin)?;
    campaign(admin)?;
    webhook(admin)?;
    import(admin, url)
}

fn create(admin: &Client, input: create_api_token::CreateAPITokenInput) -> Result<(String, String), Error> {
    let token = admin.send::<CreateAPIToken>(create_api_token::Variables { input })?.create_api_token.token;
    Ok((token.id, token.value.ok_or("a creation without its value")?))
}

/// What the protected API is told about a value.
fn verdict(admin: &Client, value: &str) -> Result<verify_api_tokens::VerificationCode, Error> {
    let input = verify_api_tokens::VerifyAPITokenInput {
        value: value.to_owned(),
        address: Some("203.0.113.7".to_owned()),
        ..Default::default()
    };
    let verified = admin.send::<VerifyAPITokens>(verify_api_tokens::Variables { inputs: vec![input] })?;
    verified.verify_api_tokens.into_iter().next().map(|result| result.code).ok_or("a value without a result".into())
}

fn retire_in_use(admin: &Client, url: &str) -> Result<(), Error> {
    let (id, first) = create(
        admin,
        create_api_token::CreateAPITokenInput {
            name: "orders".to_owned(),
            overlap_minutes: Some(60),
            overlap_ends: Some(create_api_token::OverlapEnd::WHEN_SILENT),
            silent_minutes: Some(2),
            ..Default::default()
        },
    )?;
    let (_, second) = Client::new(url, &first).rotate(None)?;
    assert_eq!(verdict(admin, &second)?, verify_api_tokens::VerificationCode::VALID);
    assert_eq!(verdict(admin, &first)?, verify_api_tokens::VerificationCode::VALID);

    let token = admin.send::<ReadAPIToken>(read_api_token::Variables { id: id.clone() })?.api_token;
    let token = token.ok_or("no token")?;
    assert_eq!((token.overlap_ends, token.silent_minutes), (read_api_token::OverlapEnd::WHEN_SILENT, 2));
    let previous = token.values.iter().find(|value| value.replaced_at.is_some()).ok_or("no previous value")?;
    let users = previous.users.as_deref().unwrap_or_default();
    assert!(users.iter().any(|user| user.address.as_deref() == Some("203.0.113.0/24") && user.count == 1));
    assert!(previous.use_count.is_some_and(|count| count >= 1) && previous.last_used_at < previous.retires_at);
    let variables = rehearse_retirement::Variables { id: id.clone(), generation: None };
    let rehearsal = admin.send::<RehearseRetirement>(variables)?.rehearse_api_token_retirement;
    assert!(rehearsal.needs_force && rehearsal.silent_at.is_some());
    assert_eq!(rehearsal.code, rehearse_retirement::VerificationCode::VALUE_RETIRED);

    let end = |force| {
        let input = end_overlap::EndAPITokenOverlapInput { id: id.clone(), force };
        admin.send::<EndOverlap>(end_overlap::Variables { input })
    };
    assert_eq!(refusal(end(None))?.code, "STILL_IN_USE");
    assert_eq!(end(Some(true))?.end_api_token_overlap.token.values.len(), 1);
    assert_eq!(verdict(admin, &first)?, verify_api_tokens::VerificationCode::VALUE_RETIRED);
    let filter = audit_events::AuditEventFilter { token_id: Some(id), ..Default::default() };
    let variables = audit_events::Variables { filter: Some(filter), last: Some(1), ..Default::default() };
    let oldest = admin.send::<AuditEvents>(variables)?.audit_events;
    assert!(oldest.page_info.has_previous_page);
    assert_eq!(oldest.nodes.first().map(|event| &event.action), Some(&audit_events::AuditAction::API_TOKEN_CREATED));
    ok("retire a value in use, by force only");
    Ok(())
}

fn find_and_change(admin: &Client) -> Result<(), Error> {
    for name in ["lemon", "apple"] {
        let pair = create_api_token::MetadataEntryInput { key: "client".to_owned(), value: "rust".to_owned() };
        let metadata = Some(vec![pair]);
        create(admin, create_api_token::CreateAPITokenInput { name: name.to_owned(), metadata, ..Default::default() })?;
    }
    let pair = find_api_tokens::MetadataEntryInput { key: "client".to_owned(), value: "rust".to_owned() };
    let order = find_api_tokens::APITokenOrder {
        field: find_api_tokens::APITokenOrderField::NAME,
        direction: find_api_tokens::OrderDirection::ASC,
    };
    let found = admin.send::<FindAPITokens>(find_api_tokens::Variables {
        filter: Some(find_api_tokens::APITokenFilter {
            status: Some(vec![find_api_tokens::APITokenStatus::ACTIVE]),
            metadata: Some(vec![pair]),
            overlap_running: Some(false),
            name: None,
            text: None,
            owner: None,
            kind: None,
            scope: None,
            permission: None,
            created_by: None,
            expires_after: None,
            expires_before: None,
            rotate_by_before: None,
            unused_since: None,
            previous_value_used_within_minutes: None,
        }),
        order_by: Some(order),
        first: None,
        after: None,
        last: None,
        before: None,
    })?;
    let names: Vec<_> = found.api_tokens.nodes.iter().map(|token| token.name.as_str()).collect();
    assert_eq!(names, ["apple", "lemon"]);
    ok("find tokens in their order");

    for dry_run in [true, false] {
        let pair = rotate_api_tokens::MetadataEntryInput { key: "client".to_owned(), value: "rust".to_owned() };
        let filter = rotate_api_tokens::APITokenFilter { metadata: Some(vec![pair]), ..Default::default() };
        let input = rotate_api_tokens::RotateAPITokensInput { filter, dry_run, ..Default::default() };
        let page = admin.send::<RotateAPITokens>(rotate_api_tokens::Variables { input })?.rotate_api_tokens;
        assert_eq!(page.rotations.len(), 2);
        assert!(page.rotations.iter().all(|one| one.refusal.is_none() && one.token.value.is_none() == dry_run));
    }
    for (dry_run, status) in
        [(true, revoke_api_tokens::APITokenStatus::ACTIVE), (false, revoke_api_tokens::APITokenStatus::REVOKED)]
    {
        let pair = revoke_api_tokens::MetadataEntryInput { key: "client".to_owned(), value: "rust".to_owned() };
        let filter = revoke_api_tokens::APITokenFilter { metadata: Some(vec![pair]), ..Default::default() };
        let reason = Some("the customer has left".to_owned());
        let input = revoke_api_tokens::RevokeAPITokensInput { filter, dry_run, reason, ..Default::default() };
        let page = admin.send::<RevokeAPITokens>(revoke_api_tokens::Variables { input })?.revoke_api_tokens;
        assert_eq!(page.revocations.len(), 2);
        assert!(page.revocations.iter().all(|one| one.refusal.is_none() && one.token.status == status));
    }
    ok("rotate and revoke by a filter, first without changing anything");
    Ok(())
}

fn campaign(admin: &Client) -> Result<(), Error> {
    let created = admin.send::<CreateRotationCampaign>(create_rotation_campaign::Variables {
        input: create_rotation_campaign::CreateRotationCampaignInput {
            name: Some("incident".to_owned()),
            filter: create_rotation_campaign::APITokenFilter {
                owner: Some("rust".to_owned()),
                status: None,
                metadata: None,
                overlap_running: None,
                name: None,
                text: None,
                kind: None,
                scope: None,
                permission: None,
                created_by: None,
                expires_after: None,
                expires_before: None,
                rotate_by_before: None,
                unused_since: None,
                previous_value_used_within_minutes: None,
            },
            deadline: EXPIRY.to_owned(),
            at_deadline: create_rotation_campaign::RotationCampaignDeadlineAction::REVOKE,
            reason: "a laptop was stolen".to_owned(),
            evidence_url: None,
        },
    })?;
    let id = created.create_rotation_campaign.campaign.id;
    let read = || -> Result<_, Error> {
        let variables = read_rotation_campaign::Variables { id: id.clone() };
        admin.send::<ReadRotationCampaign>(variables)?.rotation_campaign.ok_or("no campaign".into())
    };
    let campaign = read()?;
    assert_eq!((campaign.name.as_deref(), campaign.deadline.as_str()), (Some("incident"), EXPIRY));
    assert_eq!((campaign.progress.total, campaign.progress.left, campaign.cancelled), (0, 0, false));
    let states = Some(vec![rotation_campaign_tokens::RotationCampaignTokenState::WAITING]);
    let variables = rotation_campaign_tokens::Variables { id: id.clone(), states };
    let tokens = admin.send::<RotationCampaignTokens>(variables)?.rotation_campaign_tokens;
    assert!(tokens.nodes.is_empty());
    let input = cancel_rotation_campaign::CancelRotationCampaignInput { id: id.clone(), ..Default::default() };
    admin.send::<CancelRotationCampaign>(cancel_rotation_campaign::Variables { input })?;
    assert!(read()?.cancelled);
    ok("create and cancel a campaign");
    Ok(())
}

fn webhook(admin: &Client) -> Result<(), Error> {
    let input = create_webhook::CreateWebhookInput {
        url: "https://hooks.example.com/rotakey".to_owned(),
        kinds: Some(vec![create_webhook::NoticeKind::REVOKED]),
        ..Default::default()
    };
    let created = admin.send::<CreateWebhook>(create_webhook::Variables { input })?.create_webhook;
    assert!(created.secret.starts_with("whsec_") && created.public_key.starts_with("whpk_"));
    assert_eq!(created.webhook.status, create_webhook::WebhookStatus::ACTIVE);
    let input = delete_webhook::DeleteWebhookInput { id: created.webhook.id.clone() };
    let deleted = admin.send::<DeleteWebhook>(delete_webhook::Variables { input })?.delete_webhook;
    assert_eq!(deleted.deleted_id, created.webhook.id);
    ok("create and delete a webhook");
    Ok(())
}

fn import(admin: &Client, url: &str) -> Result<(), Error> {
    for is_new in [true, false] {
        let token = import_api_tokens::ImportAPITokenInput {
            name: "billing".to_owned(),
            sha256: Some(SHA256.to_owned()),
            format: Some("legacy".to_owned()),
            ..Default::default()
        };
        let input = import_api_tokens::ImportAPITokensInput { tokens: vec![token] };
        let imported = admin.send::<ImportAPITokens>(import_api_tokens::Variables { input })?.import_api_tokens;
        assert_eq!(imported.imports.iter().map(|one| one.is_new).collect::<Vec<_>>(), [is_new]);
    }
    let (generation, value) = Client::new(url, KEY).rotate(None)?;
    assert!(generation == 2 && value.starts_with("rk_"));
    assert_eq!(verdict(admin, &value)?, verify_api_tokens::VerificationCode::VALID);
    ok("import a key of another system, and rotate it");
    Ok(())
}
