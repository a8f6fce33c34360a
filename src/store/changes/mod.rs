//! Publishing committed changes to what remembers them and to subscribers.

pub(super) mod epochs;
pub(super) mod feed;
pub(super) mod notes;
pub(super) mod rounds;
mod subscribe;
pub(super) mod wake;
