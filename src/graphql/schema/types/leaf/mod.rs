//! Leaf types (GraphQL, section 3): scalars and enums.

pub(crate) mod date_time;
pub(crate) mod enums;
pub(crate) mod error_code;
