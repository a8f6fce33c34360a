//! The delivery of a notice to a webhook.

use std::fmt;

use super::kind::NoticeKind;
use crate::domain::id::{NoticeId, TokenId, WebhookId};
use crate::domain::text::names;
use crate::domain::timestamp::Timestamp;

/// What every text of an identity begins with.
const PREFIX: &str = "dlv_";
/// The length of a ULID, which follows the prefix of four letters in every identity.
const ULID_LENGTH: usize = 26;

/// The identity of a delivery: which notice, to which webhook. Its text is opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    /// The notice.
    pub notice: NoticeId,
    /// The webhook.
    pub webhook: WebhookId,
}

impl DeliveryId {
    /// Reads the form that [`fmt::Display`] writes; any other text is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let (notice, webhook) = text.strip_prefix(PREFIX)?.split_at_checked(ULID_LENGTH)?;
        Some(Self {
            notice: NoticeId::parse(&format!("ntc_{notice}"))?,
            webhook: WebhookId::parse(&format!("whk_{webhook}"))?,
        })
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (notice, webhook) = (self.notice.text(), self.webhook.text());
        let ulid = |text: &str| text.rsplit('_').next().unwrap_or_default().to_owned();
        write!(f, "{PREFIX}{}{}", ulid(notice.as_str()), ulid(webhook.as_str()))
    }
}

/// What became of a delivery so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its identity.
    pub id: DeliveryId,
    /// What the notice is about; `None` if only a newer version knows.
    pub kind: Option<NoticeKind>,
    /// The token that the notice is about.
    pub token_id: Option<TokenId>,
    /// When the notice was written.
    pub created_at: Timestamp,
    /// How often it was sent.
    pub attempts: u32,
    /// When it is sent next; `None` if it is not pending.
    pub next_attempt_at: Option<Timestamp>,
    /// When the webhook accepted it.
    pub delivered_at: Option<Timestamp>,
    /// When it was given up.
    pub dead_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    pub last_status: Option<u32>,
    /// What was wrong at the last attempt. It repeats nothing that the webhook sent.
    pub last_error: Option<Box<str>>,
}

/// Whether a delivery is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It is to be sent, for the first time or again.
    Pending,
    /// The webhook accepted it.
    Delivered,
    /// It was given up.
    Dead,
}

names! {
    DeliveryStatus {
        Pending => "PENDING",
        Delivered => "DELIVERED",
        Dead => "DEAD",
    }
}

impl Delivery {
    /// Whether it is over.
    pub fn status(&self) -> DeliveryStatus {
        match (self.delivered_at, self.dead_at) {
            (Some(_), _) => DeliveryStatus::Delivered,
            (None, Some(_)) => DeliveryStatus::Dead,
            (None, None) => DeliveryStatus::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_reads_back_and_only_in_its_own_spelling() {
        let now = Timestamp::from_unix_millis(1_767_225_600_000);
        let id = DeliveryId { notice: NoticeId::new(now, [7; 10]), webhook: WebhookId::new(now, [8; 10]) };
        let text = id.to_string();
        assert_eq!(text, "dlv_01KDVDNA000W3GE1R70W3GE1R701KDVDNA001040G2081040G208");
        assert_eq!(DeliveryId::parse(&text), Some(id));
        let long = format!("{text}0");
        for other in ["", "dlv_", &text[4..], &text[..55], &long, &text.to_lowercase(), "dlv_é"] {
            assert_eq!(DeliveryId::parse(other), None, "{other}");
        }
    }
}
