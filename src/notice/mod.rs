//! Notices on their way out: a task that sends deliveries to webhooks, as Standard Webhooks defines them, a task that sends mail
//! digests, and a task that writes notices of deadlines.
//!
//! What is sent was written into the outbox in the transaction of the change. A delivery is claimed, sent, and what came of it is noted. A crash
//! in between leaves a claim that ends, so a notice is sent twice with the same id, and never not at all.

mod attempt;
mod mail;
mod run;
mod sender;
mod settings;
mod slots;
mod sweeper;

pub use run::run;
pub use settings::Settings;
