//! `webhook` and `webhooks`: reading webhooks, never their secrets.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::id::WebhookId;
use crate::domain::notice::Webhook;
use crate::domain::refusal::Refusal;
use crate::domain::rule::authority::Authority;
use crate::domain::token::{Permission, Token};
use crate::service::token::{broken_cursor, end_and_size};
use crate::service::{Caller, Error, Service};

/// A page of webhooks as a client asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookPageRequest {
    /// How many.
    pub first: Option<i32>,
    /// Only webhooks after this cursor.
    pub after: Option<String>,
}

/// A page of webhooks, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConnection {
    /// The webhooks, each with its cursor.
    pub edges: Vec<(String, Webhook)>,
    /// Whether there are more.
    pub has_next_page: bool,
    /// Whether there are some before, as far as this request can tell.
    pub has_previous_page: bool,
}

impl Service {
    /// The webhook of this id. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or no webhook has this id.
    pub async fn webhook(&self, caller: &Caller, id: &str) -> Result<Webhook, Error> {
        self.require_webhooks(caller).await?;
        let id = webhook_id("id", id)?;
        self.store.webhook(id).await?.ok_or(Error::NoWebhook { field: "id" })
    }

    /// A page of webhooks. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or the page is invalid.
    pub async fn webhooks(&self, caller: &Caller, request: WebhookPageRequest) -> Result<WebhookConnection, Error> {
        self.require_webhooks(caller).await?;
        let WebhookPageRequest { first, after } = request;
        let (_, size) = end_and_size(first, None, "webhooks")?;
        let after = after.map(|text| read_cursor(&text).ok_or_else(|| broken_cursor("after"))).transpose()?;
        let (found, has_next_page) = self.store.webhooks(after, size).await?;
        let edge = |webhook: Webhook| (cursor(&webhook.id.to_string()), webhook);
        Ok(WebhookConnection {
            edges: found.into_iter().map(edge).collect(),
            has_next_page,
            has_previous_page: after.is_some(),
        })
    }

    /// Checks that the caller may manage webhooks and mail digests, for an operation that changes nothing.
    pub(in crate::service) async fn require_webhooks(&self, caller: &Caller) -> Result<(), Error> {
        let own = self.own_token(caller, self.now()).await?;
        Ok(require(&own)?)
    }
}

/// Whether the holder of this token may manage webhooks and mail digests. It learns from their messages what the names and the owners of tokens are.
pub(super) fn require(own: &Token) -> Result<(), Refusal> {
    let authority = Authority::of(own);
    authority.require(Permission::WebhookModify)?;
    authority.require(Permission::ApiTokenRead)
}

pub(super) fn webhook_id(field: &'static str, text: &str) -> Result<WebhookId, Error> {
    WebhookId::parse(text).ok_or(Error::NoWebhook { field })
}

/// The cursor of an entry with this id. Opaque to clients.
pub(in crate::service) fn cursor(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

pub(in crate::service) fn text_of_cursor(cursor: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

fn read_cursor(cursor: &str) -> Option<WebhookId> {
    WebhookId::parse(&text_of_cursor(cursor)?)
}
