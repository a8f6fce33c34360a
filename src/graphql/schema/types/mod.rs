//! The shapes of the contract, one subject a file.

pub(crate) mod api_token;
pub(crate) mod api_token_value;
pub(crate) mod audit_event;
pub(crate) mod connection;
pub(crate) mod input;
pub(crate) mod leaf;
pub(crate) mod node;
pub(crate) mod output;
pub(crate) mod verification;
