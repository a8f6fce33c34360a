//! Mail digests: their settings, and their notices on the way into a mail.
//!
//! A mail gets its notices in batches, and keeps them and its identity until the mail server has accepted it, or it is given up. So an
//! attempt that is repeated sends the same mail, and a notice whose transaction ends late is in the next one.

mod claim;
mod content;
mod digests;
mod note;
mod notices;
mod row;

pub use claim::{ClaimedMail, MailClaim};
pub use note::{AttemptedMail, NotedMail};
pub use notices::MailBacklog;
