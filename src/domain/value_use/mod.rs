//! The use of a value (R14): when it was last used, how often, and by which users.
//!
//! A user is a distinct caller that presented the value lately: a network, as precisely as the operator allows, and the product name of
//! the user agent.

mod network;
mod product;
mod users;

pub use network::{AddressPrecision, Network};
pub use product::{Product, sent_product};
pub use users::{
    Asked, LAST_USE_LAG_MINUTES, MAX_KEPT_USERS, MAX_SHOWN_USERS, RecordedUse, UNUSED, USER_RETENTION_MINUTES, User,
    UserUse, ValueUse,
};
