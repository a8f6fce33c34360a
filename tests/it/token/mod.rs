//! The use cases on one token, and what its settings may be.

mod create;
mod limits;
mod metadata;
mod not_before;
mod numbers_and_times;
mod read;
mod revoke;
mod revoke_many;
mod settings;
mod suspend;
mod texts;
mod update;
