//! TLS: clients of every kind, limits, certificates that change and certificates of clients.

mod clients;
mod limits;
mod reload;
mod startup;
