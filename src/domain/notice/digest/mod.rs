//! Mail digests: who gets notices by mail, when, and what one mail says.

mod address;
mod content;
mod facts;
mod schedule;
mod settings;

pub use address::MAX_MAIL_ADDRESS_LENGTH;
pub use content::{DigestContent, DigestLine, DigestSection};
pub use facts::{MailDigest, MailDigestStatus};
pub use schedule::{DEFAULT_MINUTE_OF_DAY, MAX_MINUTE_OF_DAY, MailDigestFrequency, Schedule};
pub use settings::{MAX_MAIL_DIGESTS, MailDigestChange, MailDigestSettings};
