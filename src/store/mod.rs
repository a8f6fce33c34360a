//! The only room that knows the database. Rows come in and go out as the plain values of `domain`; entities stay here.
//!
//! It never reads a clock or a random source and holds no rule: it is told what to write, and guards it with
//! compare-and-set where two callers could race (R7).

mod audit;
mod chain;
mod connect;
mod durable;
mod entity;
mod epochs;
mod error;
mod feed;
mod group;
mod list;
mod lock;
mod look_up;
mod read;
mod rotation;
mod rows;
mod token;
mod transaction;
mod uses;

pub use epochs::Stamp;
pub use error::Error;
pub use feed::{Ear, Heard};
pub use list::Listing;
pub use lock::Hold;
pub use rotation::Rotated;
pub use transaction::Transaction;

use sea_orm::{DatabaseConnection, DbBackend};

use durable::Durable;
use group::Turns;
use look_up::LookUps;

/// The database. On SQLite all writes take turns on one connection, because it has one writer at a time anyway and a fair
/// queue is kinder than its busy handler; on PostgreSQL both fields are the same pool.
#[derive(Clone, Debug)]
pub struct Store {
    read: DatabaseConnection,
    write: DatabaseConnection,
    /// On SQLite, the queue for the one connection of `write`.
    turns: Option<Turns>,
    /// On SQLite, the queue of those who look up a presented value.
    look_ups: Option<LookUps>,
    durable: Durable,
}

impl Store {
    fn new(read: DatabaseConnection, write: DatabaseConnection) -> Self {
        let backend = write.get_database_backend();
        let durable = Durable::new(&write);
        let turns = (backend == DbBackend::Sqlite).then(|| Turns::new(write.clone(), durable.clone()));
        let look_ups = (backend == DbBackend::Sqlite).then(|| LookUps::new(read.clone()));
        Self { read, write, turns, look_ups, durable }
    }

    /// How many transactions of operations this process has made durable. On SQLite operations that wait together share one.
    pub fn commits(&self) -> u64 {
        self.durable.commits()
    }
}
