//! `APITokenValue`: one value of an API token, without the secret.

use async_graphql::SimpleObject;

use crate::domain::timestamp::Timestamp;
use crate::domain::token::ValueFacts;

use crate::graphql::schema::types::leaf::date_time::DateTime;
use crate::graphql::schema::types::leaf::int::int;

/// One value of an API token. The secret itself is never included.
#[derive(SimpleObject)]
#[graphql(name = "APITokenValue", serial)]
pub(crate) struct ApiTokenValue {
    /// The last four characters of the value, to recognise it by.
    hint: String,
    /// The number of the value within its token: 1 at creation, and one more at each rotation.
    generation: i32,
    /// When it was issued.
    created_at: DateTime,
    /// When it was first used successfully; null if never.
    first_used_at: Option<DateTime>,
    /// When a newer value replaced it; null for the current value.
    replaced_at: Option<DateTime>,
    /// When it stops working; null for the current value, and for the previous one before its overlap has started.
    retires_at: Option<DateTime>,
}

impl From<&ValueFacts> for ApiTokenValue {
    fn from(value: &ValueFacts) -> Self {
        let moment = |at: Option<Timestamp>| at.map(DateTime);
        Self {
            hint: value.hint.as_str().to_owned(),
            generation: int(value.generation),
            created_at: value.created_at.into(),
            first_used_at: moment(value.first_used_at),
            replaced_at: moment(value.replaced_at),
            retires_at: moment(value.retires_at),
        }
    }
}
