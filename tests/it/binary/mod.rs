//! The binary: its commands, flags and environment.

mod retire_values;
mod serve;
mod startup;
