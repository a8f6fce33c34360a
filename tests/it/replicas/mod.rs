//! Several replicas on one database: what they cache, how they learn of changes, and what they do without the database.

mod availability;
mod cache;
mod change_propagation;
mod change_table;
mod clock_skew;
mod failover;
mod pooler;
mod restored;
mod wrong_clocks;
