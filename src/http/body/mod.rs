//! Reading bodies: their media type, their size, and JSON.

pub(super) mod before_authentication;
pub(super) mod json;
pub(super) mod media_type;
