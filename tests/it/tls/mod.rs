//! TLS: clients of every kind, limits, certificates that change, certificates of clients, and PostgreSQL.

mod clients;
mod limits;
mod postgres;
mod reload;
mod startup;
