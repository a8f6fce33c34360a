//! What is broken, and what must hold nevertheless.

mod clocks;
mod database;
mod failover;
mod interrupted;
mod kills;
mod network;
mod pgbouncer;
mod reuse;
mod revocations;
mod rolling_restart;
mod upgrade;

use std::path::PathBuf;

use clap::ValueEnum;

use crate::power_cut;
use crate::report::Report;

/// A scenario, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// SIGKILL of the server on SQLite, under a storm of rotations
    SqliteKills,
    /// SIGKILL of one of three replicas on PostgreSQL, under a storm of rotations
    ReplicaKills,
    /// SIGKILL or immediate stop of PostgreSQL under three replicas, under a storm of rotations
    PostgresKills,
    /// Revocations on one of three replicas on PostgreSQL, under load: the time until the others refuse
    Revocations,
    /// The same, but the connections on which the others listen are cut before each revocation
    RevocationsUnheard,
    /// Retired values are presented to three replicas on PostgreSQL, each of which may be killed, under a storm of rotations
    Reuse,
    /// SIGKILL of the primary under Patroni, behind HAProxy, and a failover to its synchronous standby, under a storm of rotations
    PatroniFailover,
    /// SIGKILL of the primary, and `pg_ctl promote` of its synchronous standby, under a storm of rotations
    Promote,
    /// The address of the database leads to a standby that stays behind, on which revoked values are still valid
    LaggingStandby,
    /// The network between replicas and PostgreSQL is frozen, slow or half-open, while tokens are revoked and rotated elsewhere
    Network,
    /// PostgreSQL under three replicas stands still, or is stopped and started
    DatabaseStopped,
    /// The disk with the tables of PostgreSQL is full
    TablesFull,
    /// The disk with everything of PostgreSQL is full
    DiskFull,
    /// Other programs take all connections that PostgreSQL allows
    OutOfConnections,
    /// Three replicas behind PgBouncer, under load: revocations, SIGKILL of PgBouncer or PostgreSQL, and what PgBouncer costs
    Pgbouncer,
    /// The same without what it costs, in session mode
    PgbouncerSession,
    /// The network between replicas and PgBouncer, or between PgBouncer and PostgreSQL, is frozen or half-open
    PgbouncerNetwork,
    /// The clock of a replica on PostgreSQL is set forth and back by an hour
    ReplicaClock,
    /// The clock of PostgreSQL under three replicas is set forth and back by an hour
    DatabaseClock,
    /// The clock of the host is set forth and back by an hour, under a server on SQLite
    SqliteClock,
    /// This program is stopped by SIGTERM or Ctrl-C, and must leave nothing behind
    Interrupted,
    /// Each of three replicas behind HAProxy is restarted in turn, under load
    RollingRestart,
    /// Three replicas of the version in --previous, behind HAProxy, are replaced by this version one by one, and back, under load
    RollingUpgrade,
    /// A server on SQLite of the version in --previous is replaced by this version, and back
    SqliteUpgrade,
    /// A power cut at any moment under rotations on SQLite, with writes torn, reordered and missing that were not synced
    PowerCut,
}

/// How a scenario runs.
#[derive(Clone, Debug)]
pub struct Run {
    pub scenario: Scenario,
    /// How often the fault happens.
    pub times: u32,
    /// The seed of all random choices.
    pub seed: u64,
    /// Whether each fault lasts as long as the documentation states figures for.
    pub long: bool,
    /// The file of its history.
    pub record: PathBuf,
    /// The binary of the version from which is upgraded.
    pub previous: Option<PathBuf>,
}

impl Scenario {
    pub fn name(self) -> String {
        self.to_possible_value().unwrap().get_name().to_owned()
    }

    /// Whether it needs the binary of another version.
    pub fn needs_previous(self) -> bool {
        matches!(self, Self::RollingUpgrade | Self::SqliteUpgrade)
    }

    /// How often the fault happens, unless the command line says it: in a short run, and in a long one.
    pub fn times(self, long: bool) -> u32 {
        let (in_short, in_long) = match self {
            Self::SqliteKills | Self::ReplicaKills => (5, 200),
            Self::PostgresKills => (3, 50),
            Self::Revocations | Self::RevocationsUnheard => (50, 1_000),
            Self::Reuse => (4, 200),
            Self::Network => (1, 20),
            Self::DatabaseStopped | Self::OutOfConnections => (1, 10),
            Self::TablesFull | Self::DiskFull => (1, 5),
            Self::Pgbouncer => (2, 100),
            Self::PgbouncerSession => (1, 10),
            Self::PgbouncerNetwork => (1, 10),
            Self::ReplicaClock => (1, 60),
            Self::DatabaseClock | Self::SqliteClock => (1, 20),
            Self::Interrupted => (2, 20),
            Self::RollingRestart => (3, 30),
            Self::RollingUpgrade | Self::SqliteUpgrade => (1, 10),
            Self::PatroniFailover => (1, 20),
            Self::Promote => (1, 20),
            Self::LaggingStandby => (1, 10),
            Self::PowerCut => (50, 2_000),
        };
        if long { in_long } else { in_short }
    }
}

impl Run {
    /// Runs it: what was counted, and what failed.
    pub async fn run(&self) -> Report {
        match self.scenario {
            Scenario::SqliteKills => kills::sqlite(self).await,
            Scenario::ReplicaKills => kills::replicas(self).await,
            Scenario::PostgresKills => kills::postgres(self).await,
            Scenario::Revocations => revocations::run(self, false).await,
            Scenario::RevocationsUnheard => revocations::run(self, true).await,
            Scenario::Reuse => reuse::run(self).await,
            Scenario::PatroniFailover => failover::patroni(self).await,
            Scenario::Promote => failover::promote(self).await,
            Scenario::LaggingStandby => failover::lagging(self).await,
            Scenario::Network => network::run(self).await,
            Scenario::DatabaseStopped => database::stopped(self).await,
            Scenario::TablesFull => database::full(self, true).await,
            Scenario::DiskFull => database::full(self, false).await,
            Scenario::OutOfConnections => database::out_of_connections(self).await,
            Scenario::Pgbouncer => pgbouncer::transactions(self).await,
            Scenario::PgbouncerSession => pgbouncer::sessions(self).await,
            Scenario::PgbouncerNetwork => network::pooled(self).await,
            Scenario::ReplicaClock => clocks::replica(self).await,
            Scenario::DatabaseClock => clocks::postgres(self).await,
            Scenario::SqliteClock => clocks::sqlite(self).await,
            Scenario::Interrupted => interrupted::run(self).await,
            Scenario::RollingRestart => rolling_restart::run(self).await,
            Scenario::RollingUpgrade => upgrade::rolling(self).await,
            Scenario::SqliteUpgrade => upgrade::sqlite(self).await,
            Scenario::PowerCut => power_cut::run(self).await,
        }
    }
}
