//! `APIToken`, and what clients send and get about one.

pub(crate) mod api_token;
pub(crate) mod connection;
pub(crate) mod input;
pub(crate) mod output;
pub(crate) mod settings_input;
pub(crate) mod value;
pub(crate) mod value_use;
pub(crate) mod verification;
