//! `mailDigest` and `mailDigests`: reading mail digests.

use crate::domain::id::MailDigestId;
use crate::domain::notice::MailDigest;
use crate::service::notice::{cursor, text_of_cursor};
use crate::service::token::{broken_cursor, end_and_size};
use crate::service::{Caller, Error, Service};

/// A page of mail digests as a client asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailDigestPageRequest {
    /// How many.
    pub first: Option<i32>,
    /// Only digests after this cursor.
    pub after: Option<String>,
}

/// A page of mail digests, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailDigestConnection {
    /// The digests, each with its cursor.
    pub edges: Vec<(String, MailDigest)>,
    /// Whether there are more.
    pub has_next_page: bool,
    /// Whether there are some before, as far as this request can tell.
    pub has_previous_page: bool,
}

impl Service {
    /// The mail digest of this id. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or no digest has this id.
    pub async fn mail_digest(&self, caller: &Caller, id: &str) -> Result<MailDigest, Error> {
        self.require_webhooks(caller).await?;
        let id = mail_digest_id(id)?;
        self.store.mail_digest(id).await?.ok_or(Error::NoMailDigest { field: "id" })
    }

    /// A page of mail digests. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or the page is invalid.
    pub async fn mail_digests(
        &self,
        caller: &Caller,
        request: MailDigestPageRequest,
    ) -> Result<MailDigestConnection, Error> {
        self.require_webhooks(caller).await?;
        let MailDigestPageRequest { first, after } = request;
        let (_, size) = end_and_size(first, None, "mail digests")?;
        let after = after.map(|text| read_cursor(&text).ok_or_else(|| broken_cursor("after"))).transpose()?;
        let (found, has_next_page) = self.store.mail_digests(after, size).await?;
        let edge = |digest: MailDigest| (cursor(&digest.id.to_string()), digest);
        Ok(MailDigestConnection {
            edges: found.into_iter().map(edge).collect(),
            has_next_page,
            has_previous_page: after.is_some(),
        })
    }
}

/// Reads an id that a client sent. A malformed id is not found.
pub(super) fn mail_digest_id(text: &str) -> Result<MailDigestId, Error> {
    MailDigestId::parse(text).ok_or(Error::NoMailDigest { field: "id" })
}

fn read_cursor(cursor: &str) -> Option<MailDigestId> {
    MailDigestId::parse(&text_of_cursor(cursor)?)
}
