//! The binary: its commands, flags and environment.

mod backup;
mod restore;
mod retire_values;
mod serve;
mod startup;
mod systemd;
