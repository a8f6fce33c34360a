//! `MailDigest`.

use async_graphql::{ID, SimpleObject};

use super::enums::{MailDigestFrequency, MailDigestStatus};
use crate::domain::notice;
use crate::graphql::engine::ready::Ready;
use crate::graphql::schema::types::actor::Actor;
use crate::graphql::schema::types::leaf::date_time::DateTime;
use crate::graphql::schema::types::leaf::int::int;
use crate::graphql::schema::types::webhook::enums::NoticeKind;

/// A mail address to which the server sends what happened to API tokens, in one mail a period at most.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct MailDigest {
    /// Its id. Ids sort by creation.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// Where it is sent.
    address: String,
    /// What it is for.
    description: Option<String>,
    /// The kinds of notices that are in it; all if empty.
    kinds: Vec<NoticeKind>,
    /// The owners whose API tokens it has notices of; those of all API tokens if empty.
    owners: Vec<String>,
    /// How often it is sent, at most.
    frequency: MailDigestFrequency,
    /// At which minute after midnight UTC it is sent; hourly, at this minute of each hour.
    minute_of_day: i32,
    /// Whether it works.
    status: MailDigestStatus,
    /// When a mail is sent next, if there are notices for it.
    next_attempt_at: DateTime,
    /// When it was created.
    created_at: DateTime,
    /// Who created it.
    created_by: Ready<Actor>,
    /// When its settings were last changed; null if never.
    updated_at: Option<DateTime>,
    /// Who last changed its settings; null if never changed.
    updated_by: Option<Ready<Actor>>,
    /// When the mail server last accepted a mail; null if never.
    last_success_at: Option<DateTime>,
    /// When the mail server last did not accept a mail; null if never.
    last_failure_at: Option<DateTime>,
    /// Why the mail server last did not accept a mail, for people; null if that never happened.
    last_failure: Option<String>,
    /// Since when the mail server has not accepted any mail; null if it accepted the last one.
    failing_since: Option<DateTime>,
}

impl From<notice::MailDigest> for MailDigest {
    fn from(digest: notice::MailDigest) -> Self {
        let status = digest.status();
        let (last_failure_at, last_failure) = digest.last_failure.unzip();
        let (updated_at, updated_by) = digest.updated.unzip();
        let settings = digest.settings;
        Self {
            id: ID(digest.id.to_string()),
            address: settings.address.into(),
            description: settings.description.map(Into::into),
            kinds: settings.kinds.iter().map(Into::into).collect(),
            owners: settings.owners.into_iter().map(Into::into).collect(),
            frequency: settings.schedule.frequency.into(),
            minute_of_day: int(settings.schedule.minute_of_day),
            status: status.into(),
            next_attempt_at: digest.next_attempt_at.into(),
            created_at: digest.created_at.into(),
            created_by: Actor::from(digest.created_by).into(),
            updated_at: updated_at.map(Into::into),
            updated_by: updated_by.map(|by| Actor::from(by).into()),
            last_success_at: digest.last_success_at.map(Into::into),
            last_failure_at: last_failure_at.map(Into::into),
            last_failure: last_failure.map(Into::into),
            failing_since: digest.failing_since.map(Into::into),
        }
    }
}
