//! Mail digests: managing them, claiming the mails that are due, noting what came of them, and housekeeping. The room `notice` sends them.

mod change;
mod claim;
mod counts;
mod note;
mod read;
mod state;
mod tidy;

pub use note::{MailAttempt, MailOutcome};
pub use read::{MailDigestConnection, MailDigestPageRequest};
pub(super) use state::MailState;
