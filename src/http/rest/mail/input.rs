//! The inputs of the endpoints of mail digests. Their fields have the names of the GraphQL schema.

use utoipa::{IntoParams, ToSchema};

use crate::domain::notice::{MailDigestChange, MailDigestFrequency, NoticeKind};
use crate::http::rejection::Rejection;
use crate::http::rest::input::{Fields, Input, input};

input! {
    /// A mail digest to be created.
    #[derive(ToSchema)]
    #[schema(as = CreateMailDigestInput)]
    CreateInput with schema {
        /// Where it is sent: a plain mail address of ASCII characters, such as `name@example.com`.
        "address" => address: String as String,
        /// What it is for: at most 2,000 characters.
        "description" => description: Option<String> as Option<String>,
        /// The kinds of notices that are in it; all if empty or left out.
        "kinds" => kinds: Option<Vec<NoticeKind>> as Option<Vec<NoticeKind>>,
        /// The owners whose API tokens it has notices of; those of all API tokens if empty or left out.
        "owners" => owners: Option<Vec<String>> as Option<Vec<String>>,
        /// How often it is sent, at most; `DAILY` if left out.
        "frequency" => frequency: Option<MailDigestFrequency> as Option<MailDigestFrequency>,
        /// At which minute after midnight UTC it is sent; hourly, at this minute of each hour. 480 (08:00) if left out.
        "minuteOfDay" => minute_of_day: Option<i32> as Option<i32>,
    }
}

input! {
    /// A change of a mail digest. What is left out stays as it is.
    #[derive(ToSchema)]
    #[schema(as = UpdateMailDigestInput)]
    UpdateInput with schema {
        /// Where it is sent: a plain mail address of ASCII characters, such as `name@example.com`.
        "address" => address: Option<String> as Option<String>,
        /// What it is for: at most 2,000 characters; null removes it.
        "description" => description: Option<Option<String>> as Option<String>,
        /// The kinds of notices that are in it; all if empty.
        "kinds" => kinds: Option<Vec<NoticeKind>> as Option<Vec<NoticeKind>>,
        /// The owners whose API tokens it has notices of; those of all API tokens if empty.
        "owners" => owners: Option<Vec<String>> as Option<Vec<String>>,
        /// How often it is sent, at most.
        "frequency" => frequency: Option<MailDigestFrequency> as Option<MailDigestFrequency>,
        /// At which minute after midnight UTC it is sent; hourly, at this minute of each hour.
        "minuteOfDay" => minute_of_day: Option<i32> as Option<i32>,
    }
}

input! {
    /// A page that begins after a mail digest.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    PageInput with param {
        /// How many, 1 to 200; 25 if left out.
        "first" => first: Option<i32> as Option<i32>,
        /// Only those after this cursor: the `endCursor` of the response before.
        "after" => after: Option<String> as Option<String>,
    }
}

impl From<CreateInput> for MailDigestChange {
    fn from(input: CreateInput) -> Self {
        let CreateInput { address, description, kinds, owners, frequency, minute_of_day } = input;
        let description = description.map(Some);
        Self { address: Some(address), description, kinds, owners, frequency, minute_of_day }
    }
}

impl From<UpdateInput> for MailDigestChange {
    fn from(input: UpdateInput) -> Self {
        let UpdateInput { address, description, kinds, owners, frequency, minute_of_day } = input;
        Self { address, description, kinds, owners, frequency, minute_of_day }
    }
}
