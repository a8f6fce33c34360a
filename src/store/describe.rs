//! The metrics of the database: connections, commits, and the file on SQLite.

use crate::metrics::{Exposition, Family};

use super::Store;
use super::connect::pool::{Pool, Usage};

impl Store {
    /// Describes the database. Asks nothing of it.
    pub fn describe(&self, exposition: &mut Exposition) {
        let pools: &[(&'static str, &Pool)] = if self.file.is_some() {
            &[("read", &self.read), ("write", &self.write), ("listings", &self.listings)]
        } else {
            &[("main", &self.read), ("listings", &self.listings)]
        };
        let mut connections =
            Family::gauge("rotakey_database_connections", "Open connections to the database, by pool and state.");
        let mut most = Family::gauge("rotakey_database_connections_max", "How many connections a pool opens at most.");
        for (name, pool) in pools {
            let Usage { used, idle, max } = pool.usage();
            connections = connections.sample([("pool", name), ("state", "used")], used);
            connections = connections.sample([("pool", name), ("state", "idle")], idle);
            most = most.sample([("pool", name)], max);
        }
        exposition.add(connections);
        exposition.add(most);
        exposition.add(
            Family::counter(
                "rotakey_database_commits",
                "Durable commits. On SQLite, changes that wait together share one.",
            )
            .sample([], self.commits()),
        );
        if let Some(lag) = self.after_commit.publisher().change_lag() {
            exposition.add(
                Family::histogram(
                    "rotakey_change_lag_seconds",
                    "Time from just before the commit of a change, on any replica, until this replica knows it.",
                )
                .sample([], lag),
            );
        }
        if let Some(file) = &self.file {
            file.describe(exposition);
        }
    }
}
