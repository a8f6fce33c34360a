//! Notices of what happens to tokens, and the webhooks that get them.

mod announce;
mod change;
mod deadlines;
mod deliveries;
mod manage;
mod read;
mod secret;

pub use deliveries::{DeliveryConnection, DeliveryPageRequest};
pub use read::{WebhookConnection, WebhookPageRequest};
pub(super) use read::{cursor, text_of_cursor};
pub use secret::{IssuedSecret, IssuedWebhook};
