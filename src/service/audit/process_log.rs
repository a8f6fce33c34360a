//! Audit events in the log of the process: a line for each change, and for each refusal that is recorded. Ids and outcomes only,
//! and no text that a client sent (R9).

use tracing::field::display;

use crate::domain::audit::{Action, AuditEvent, RefusedAs};
use crate::domain::token::Actor;

/// Logs an event that is durable. Called in the span of its request, which names the request.
pub(crate) fn report(event: &AuditEvent) {
    let message = match event.action {
        Action::Created => "created API token",
        Action::Imported => "imported API token",
        Action::Updated => "updated API token",
        Action::Rotated => "rotated API token",
        Action::Recovered => "rotated API token again; its unused value is cancelled",
        Action::RotationRepeated => "repeated the answer of a rotation",
        Action::RotationRefused => "refused rotation",
        Action::OverlapEnded => "ended overlap",
        Action::OverlapEndRefused => "refused to end overlap",
        Action::Revoked => "revoked API token",
        Action::Suspended => "suspended API token",
        Action::Revived => "revived API token",
        Action::Resumed => "resumed API token",
        Action::LeakReported => "a value was reported to have leaked",
        Action::ValuesRetired => "retired values",
        Action::CampaignCreated => "created rotation campaign",
        Action::CampaignCancelled => "cancelled rotation campaign",
        Action::CampaignEnded => "ended rotation campaign",
        Action::ValueReused => "refused retired value",
        Action::RestrictionRefused => "refused value outside its restrictions",
        Action::WebhookCreated => "created webhook",
        Action::WebhookUpdated => "updated webhook",
        Action::WebhookDeleted => "deleted webhook",
        Action::WebhookSecretRotated => "rotated secret of webhook",
        Action::WebhookDisabled => "disabled webhook",
        Action::WebhookEnabled => "enabled webhook",
        Action::WebhookTested => "tested webhook",
        Action::WebhookDeliveryResent => "resent notice to webhook",
        Action::MailDigestCreated => "created mail digest",
        Action::MailDigestUpdated => "updated mail digest",
        Action::MailDigestDeleted => "deleted mail digest",
        Action::MailDigestTested => "tested mail digest",
        // Anyone can cause any number of these. The endpoints log them at a bounded rate, by network.
        Action::SignInRefused => return,
        // This process writes none.
        Action::Unknown => return,
    };
    let actor = event.actor.map(|actor| match actor {
        Actor::ApiToken(id) => display(id.to_string()),
        Actor::System => display("SYSTEM".to_owned()),
    });
    let (action, token_id, generation) = (event.action.as_str(), event.token_id.map(display), event.generation);
    let webhook_id = event.webhook_id.map(display);
    let mail_digest_id = event.mail_digest_id.map(display);
    let result = event.refusal.as_ref().map_or("OK", RefusedAs::as_str);
    tracing::info!(name: "audit_event", action, token_id, webhook_id, mail_digest_id, generation, actor, result, "{message}");
}
