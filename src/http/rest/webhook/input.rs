//! The inputs of the endpoints of webhooks. Their fields have the names of the GraphQL schema.

use utoipa::{IntoParams, ToSchema};

use crate::domain::notice::{NoticeKind, WebhookChange};
use crate::http::rejection::Rejection;
use crate::http::rest::input::{Fields, Input, input};

input! {
    /// A webhook to be created.
    #[derive(ToSchema)]
    #[schema(as = CreateWebhookInput)]
    CreateInput with schema {
        /// Where messages are sent: an address with `https`, without a name, a password and a fragment. Addresses of private networks, and
        /// `http`, need the server's `--webhook-allow-networks`.
        "url" => url: String as String,
        /// What it is for: at most 2,000 characters.
        "description" => description: Option<String> as Option<String>,
        /// The kinds of notices that it gets; all if empty or left out.
        "kinds" => kinds: Option<Vec<NoticeKind>> as Option<Vec<NoticeKind>>,
        /// The owners whose API tokens it gets notices of; those of all API tokens if empty or left out.
        "owners" => owners: Option<Vec<String>> as Option<Vec<String>>,
    }
}

input! {
    /// A change of a webhook. What is left out stays as it is.
    #[derive(ToSchema)]
    #[schema(as = UpdateWebhookInput)]
    UpdateInput with schema {
        /// Where messages are sent: an address with `https`, without a name, a password and a fragment. Addresses of private networks, and
        /// `http`, need the server's `--webhook-allow-networks`.
        "url" => url: Option<String> as Option<String>,
        /// What it is for: at most 2,000 characters; null removes it.
        "description" => description: Option<Option<String>> as Option<String>,
        /// The kinds of notices that it gets; all if empty.
        "kinds" => kinds: Option<Vec<NoticeKind>> as Option<Vec<NoticeKind>>,
        /// The owners whose API tokens it gets notices of; those of all API tokens if empty.
        "owners" => owners: Option<Vec<String>> as Option<Vec<String>>,
    }
}

input! {
    /// How to give a webhook a new secret.
    #[derive(ToSchema)]
    #[schema(as = RotateWebhookSecretInput)]
    RotateSecretInput with schema {
        /// For how many minutes messages are also signed with the secret before: up to 30 days, and a day if left out.
        "overlapMinutes" => overlap_minutes: Option<i32> as Option<i32>,
    }
}

input! {
    /// A page that begins after an entry.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    PageInput with param {
        /// How many, 1 to 200; 25 if left out.
        "first" => first: Option<i32> as Option<i32>,
        /// Only those after this cursor: the `endCursor` of the response before.
        "after" => after: Option<String> as Option<String>,
    }
}

impl From<CreateInput> for WebhookChange {
    fn from(input: CreateInput) -> Self {
        let CreateInput { url, description, kinds, owners } = input;
        Self { url: Some(url), description: description.map(Some), kinds, owners }
    }
}

impl From<UpdateInput> for WebhookChange {
    fn from(input: UpdateInput) -> Self {
        let UpdateInput { url, description, kinds, owners } = input;
        Self { url, description, kinds, owners }
    }
}
