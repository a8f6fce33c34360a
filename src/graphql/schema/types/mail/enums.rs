//! The enums of mail digests.

use async_graphql::Enum;

use crate::domain::notice;

/// How often a mail digest is sent, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "notice::MailDigestFrequency")]
pub(crate) enum MailDigestFrequency {
    /// Once an hour.
    Hourly,
    /// Once a day.
    Daily,
    /// Once a week, on Mondays.
    Weekly,
}

/// Whether a mail digest works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "notice::MailDigestStatus")]
pub(crate) enum MailDigestStatus {
    /// The mail server accepted the last mail, or none was sent yet.
    Active,
    /// The mail server did not accept the last mail.
    Failing,
}
