//! Several replicas on one database: what they remember, how they learn of changes, and what they do without it.

mod availability;
mod cache;
mod changes;
mod clocks;
mod failover;
mod feed;
mod skew;
