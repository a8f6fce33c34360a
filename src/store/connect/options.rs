//! What all pools of connections have in common.

use std::time::Duration;

use sea_orm::ConnectOptions;

/// How long a caller waits for a connection before it is told that the database is unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a listing waits for one of its connections. Whoever lists waits for others who list, and can ask again.
pub(in crate::store) const LISTING_WAIT: Duration = Duration::from_secs(2);
/// What to do where there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfMissing {
    Make,
    Refuse,
}

pub(super) fn pool_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}
