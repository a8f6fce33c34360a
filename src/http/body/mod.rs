//! Reading bodies: their media type, their size, and JSON.

pub(super) mod json;
pub(super) mod media_type;
pub(super) mod small;
