//! Objects that have an id, for clients that refetch anything by it (Relay, Global Object Identification).

use async_graphql::{ID, Interface};

use super::audit_event::AuditEvent;
use super::mail::object::MailDigest;
use super::token::api_token::ApiToken;
use super::webhook::delivery::WebhookDelivery;
use super::webhook::object::Webhook;

/// Anything that has an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id, unique among all objects."))]
pub(crate) enum Node {
    /// An API token.
    ApiToken(ApiToken),
    /// An event of the audit log.
    AuditEvent(AuditEvent),
    /// A webhook.
    Webhook(Webhook),
    /// A mail digest.
    MailDigest(MailDigest),
    /// A notice on its way to a webhook.
    WebhookDelivery(WebhookDelivery),
}
