//! The shapes of the contract, one subject a file.

pub(super) mod api_token;
pub(super) mod audit_event;
pub(super) mod connection;
pub(super) mod date_time;
pub(super) mod enums;
pub(super) mod error_code;
pub(super) mod input;
pub(super) mod node;
pub(super) mod output;
pub(super) mod verification;
