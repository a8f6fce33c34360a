//! Request bodies: media types, size limits and JSON; and content negotiation.

pub(super) mod before_authentication;
pub(super) mod json;
pub(super) mod media_type;
pub(super) mod unique_names;
