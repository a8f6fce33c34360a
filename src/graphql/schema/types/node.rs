//! Objects that have an id, for clients that refetch anything by it (Relay, Global Object Identification).

use async_graphql::{ID, Interface};

use super::audit_event::AuditEvent;
use super::token::api_token::ApiToken;

/// Anything that has an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id, unique among all objects."))]
#[expect(clippy::large_enum_variant, reason = "one is made for an answer, and resolved at once")]
pub(crate) enum Node {
    /// An API token.
    ApiToken(ApiToken),
    /// An event of the audit log.
    AuditEvent(AuditEvent),
}
