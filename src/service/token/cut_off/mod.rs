//! Taking rights away: what a token could do before, it or one of its values can no longer do. And giving them back, where that can be.

mod end_overlap;
mod retire_at_once;
mod retire_silent;
mod revoke;
mod revoke_many;
mod suspend;

pub use revoke_many::{Revocations, RevokeManyRequest};
