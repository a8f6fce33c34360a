//! The only room that knows the database. Rows come in and go out as the plain values of `domain`; entities stay here.
//!
//! It never reads a clock or a random source and holds no rule: it is told what to write, and guards it with
//! compare-and-set where two callers could race (R7).

mod audit;
mod connect;
mod entity;
mod epochs;
mod error;
mod feed;
mod list;
mod rows;
mod token;
mod transaction;

pub use epochs::Stamp;
pub use error::Error;
pub use feed::{Ear, Heard};
pub use list::Listing;
pub use transaction::{Rotated, Transaction};

use std::sync::Arc;

use sea_orm::DatabaseConnection;
use tokio::sync::Mutex;

use feed::Feed;

/// The database. On SQLite all writes take turns on one connection, because it has one writer at a time anyway and a fair
/// queue is kinder than its busy handler; on PostgreSQL both fields are the same pool.
#[derive(Clone, Debug)]
pub struct Store {
    read: DatabaseConnection,
    write: DatabaseConnection,
    feed: Arc<Feed>,
    /// Held from the beginning of a writing transaction on SQLite until its commit has been told of, so that commits are
    /// told of in their order.
    turn: Arc<Mutex<()>>,
}

impl Store {
    fn new(read: DatabaseConnection, write: DatabaseConnection) -> Self {
        let feed = Feed::new(write.get_database_backend());
        Self { read, write, feed, turn: Arc::default() }
    }
}
