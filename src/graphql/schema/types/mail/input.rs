//! The inputs of the mutations of mail digests.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::enums::MailDigestFrequency;
use crate::domain::notice::{self, MailDigestChange};
use crate::graphql::schema::types::webhook::enums::NoticeKind;

/// A mail digest to be created.
#[derive(InputObject)]
pub(crate) struct CreateMailDigestInput {
    /// Where it is sent: a plain mail address of at most 254 ASCII characters, such as `name@example.com`.
    address: String,
    /// What it is for: at most 2,000 characters.
    description: Option<String>,
    /// The kinds of notices that are in it; all if empty or left out.
    kinds: Option<Vec<NoticeKind>>,
    /// The owners whose API tokens it has notices of, at most 100; those of all API tokens if empty or left out.
    owners: Option<Vec<String>>,
    /// How often it is sent, at most; `DAILY` if left out.
    frequency: Option<MailDigestFrequency>,
    /// At which minute after midnight UTC it is sent, 0 to 1,439; hourly, at this minute of each hour. 480 (08:00) if left out.
    minute_of_day: Option<i32>,
}

/// A change of a mail digest. What is left out stays as it is.
#[derive(InputObject)]
pub(crate) struct UpdateMailDigestInput {
    /// The mail digest to change.
    pub(crate) id: ID,
    /// Where it is sent: a plain mail address of at most 254 ASCII characters, such as `name@example.com`.
    address: Option<String>,
    /// What it is for: at most 2,000 characters; null removes it.
    description: MaybeUndefined<String>,
    /// The kinds of notices that are in it; all if empty.
    kinds: Option<Vec<NoticeKind>>,
    /// The owners whose API tokens it has notices of, at most 100; those of all API tokens if empty.
    owners: Option<Vec<String>>,
    /// How often it is sent, at most.
    frequency: Option<MailDigestFrequency>,
    /// At which minute after midnight UTC it is sent, 0 to 1,439; hourly, at this minute of each hour.
    minute_of_day: Option<i32>,
}

/// Which mail digest to delete.
#[derive(InputObject)]
pub(crate) struct DeleteMailDigestInput {
    /// Its id.
    pub(crate) id: ID,
}

/// Which mail digest to test.
#[derive(InputObject)]
pub(crate) struct TestMailDigestInput {
    /// Its id.
    pub(crate) id: ID,
}

fn kinds(kinds: Vec<NoticeKind>) -> Vec<notice::NoticeKind> {
    kinds.into_iter().map(Into::into).collect()
}

impl From<CreateMailDigestInput> for MailDigestChange {
    fn from(input: CreateMailDigestInput) -> Self {
        let CreateMailDigestInput { address, description, kinds: given, owners, frequency, minute_of_day } = input;
        Self {
            address: Some(address),
            description: description.map(Some),
            kinds: given.map(kinds),
            owners,
            frequency: frequency.map(Into::into),
            minute_of_day,
        }
    }
}

impl From<UpdateMailDigestInput> for MailDigestChange {
    fn from(input: UpdateMailDigestInput) -> Self {
        let UpdateMailDigestInput { id: _, address, description, kinds: given, owners, frequency, minute_of_day } =
            input;
        let description = match description {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(text) => Some(Some(text)),
        };
        let frequency = frequency.map(Into::into);
        Self { address, description, kinds: given.map(kinds), owners, frequency, minute_of_day }
    }
}
