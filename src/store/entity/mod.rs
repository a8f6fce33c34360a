//! SeaORM's entities for the tables. They never leave `store`.

pub(super) mod api_token;
pub(super) mod api_token_value;
pub(super) mod audit_event;
pub(super) mod mail_digest;
pub(super) mod webhook;
pub(super) mod webhook_delivery;
