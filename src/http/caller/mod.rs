//! Who is calling: the credential of a request, where it came from, and what is logged of one that is refused.

pub(super) mod client;
mod client_address;
pub(super) mod credential;
mod reader;
mod refused_credentials;

pub(super) use client::{Client, Recognised};
pub(super) use client_address::client_address;
pub(super) use reader::admit_reader;
pub(super) use refused_credentials::{RefusedCredentials, refused_credential};
