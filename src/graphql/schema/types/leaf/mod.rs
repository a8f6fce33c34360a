//! Leaf types (GraphQL, section 3): scalars and enums. Also numbers as `Int`.

pub(crate) mod date_time;
pub(crate) mod enums;
pub(crate) mod error_code;
pub(crate) mod int;
