//! Mail digests in REST responses.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::notice::{self, MailDigestFrequency, MailDigestStatus, NoticeKind};
use crate::domain::timestamp::Timestamp;
use crate::http::rest::page::PageInfo;
use crate::http::rest::token_value::Actor;
use crate::service::MailDigestConnection;

/// A mail address to which the server sends what happened to API tokens, in one mail a period at most.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::rest) struct MailDigest {
    /// Its id. Ids sort by creation.
    id: String,
    /// Where it is sent.
    address: String,
    /// What it is for.
    #[schema(required)]
    description: Option<String>,
    /// The kinds of notices that are in it; all if empty.
    #[schema(value_type = Vec<NoticeKind>)]
    kinds: Vec<&'static str>,
    /// The owners whose API tokens it has notices of; those of all API tokens if empty.
    owners: Vec<String>,
    /// How often it is sent, at most.
    #[schema(value_type = MailDigestFrequency)]
    frequency: &'static str,
    /// At which minute after midnight UTC it is sent; hourly, at this minute of each hour.
    minute_of_day: u32,
    /// Whether it works.
    #[schema(value_type = MailDigestStatus)]
    status: &'static str,
    /// When a mail is sent next, if there are notices for it.
    #[schema(value_type = Timestamp)]
    next_attempt_at: String,
    /// When it was created.
    #[schema(value_type = Timestamp)]
    created_at: String,
    /// Who created it.
    created_by: Actor,
    /// When its settings were last changed; null if never.
    #[schema(required, value_type = Option<Timestamp>)]
    updated_at: Option<String>,
    /// Who last changed its settings; null if never changed.
    #[schema(required)]
    updated_by: Option<Actor>,
    /// When the mail server last accepted a mail; null if never.
    #[schema(required, value_type = Option<Timestamp>)]
    last_success_at: Option<String>,
    /// When the mail server last did not accept a mail; null if never.
    #[schema(required, value_type = Option<Timestamp>)]
    last_failure_at: Option<String>,
    /// Why the mail server last did not accept a mail, for people; null if that never happened.
    #[schema(required)]
    last_failure: Option<String>,
    /// Since when the mail server has not accepted any mail; null if it accepted the last one.
    #[schema(required, value_type = Option<Timestamp>)]
    failing_since: Option<String>,
}

/// A page of mail digests, oldest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::rest) struct MailDigestPage {
    /// The mail digests of the page.
    data: Vec<MailDigest>,
    /// Where the page is in the listing.
    page_info: PageInfo,
}

fn text(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

impl From<notice::MailDigest> for MailDigest {
    fn from(digest: notice::MailDigest) -> Self {
        let status = digest.status();
        let (last_failure_at, last_failure) = digest.last_failure.unzip();
        let (updated_at, updated_by) = digest.updated.unzip();
        let settings = digest.settings;
        Self {
            id: digest.id.to_string(),
            address: settings.address.into(),
            description: settings.description.map(Into::into),
            kinds: settings.kinds.iter().map(NoticeKind::as_str).collect(),
            owners: settings.owners.into_iter().map(Into::into).collect(),
            frequency: settings.schedule.frequency.as_str(),
            minute_of_day: settings.schedule.minute_of_day,
            status: status.as_str(),
            next_attempt_at: digest.next_attempt_at.to_string(),
            created_at: digest.created_at.to_string(),
            created_by: digest.created_by.into(),
            updated_at: text(updated_at),
            updated_by: updated_by.map(Into::into),
            last_success_at: text(digest.last_success_at),
            last_failure_at: text(last_failure_at),
            last_failure: last_failure.map(Into::into),
            failing_since: text(digest.failing_since),
        }
    }
}

impl From<MailDigestConnection> for MailDigestPage {
    fn from(page: MailDigestConnection) -> Self {
        let page_info = PageInfo::of_edges(&page.edges, page.has_next_page, page.has_previous_page);
        Self { data: page.edges.into_iter().map(|(_, digest)| digest.into()).collect(), page_info }
    }
}
