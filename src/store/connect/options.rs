//! Options that all connection pools share.

use std::time::Duration;

use sea_orm::ConnectOptions;

/// How long a caller waits for a connection before the operation fails as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a listing waits while other listings use all connections. Its client can retry.
pub(in crate::store) const LISTING_WAIT: Duration = Duration::from_secs(2);

/// What to do if there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfMissing {
    Make,
    Refuse,
}

pub(in crate::store) fn pool_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}
