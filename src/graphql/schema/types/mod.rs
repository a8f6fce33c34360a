//! The types of the contract, one subject a file.

pub(crate) mod actor;
pub(crate) mod audit_event;
pub(crate) mod campaign;
pub(crate) mod import;
pub(crate) mod leaf;
pub(crate) mod leak;
pub(crate) mod mail;
pub(crate) mod many;
pub(crate) mod node;
pub(crate) mod page_info;
pub(crate) mod token;
pub(crate) mod token_counts;
pub(crate) mod webhook;
