//! The values of an API token, and who did what to it.

use async_graphql::{ID, SimpleObject};

use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor as DomainActor, ValueFacts};

use super::leaf::date_time::DateTime;
use super::leaf::enums::ActorKind;

/// One value of an API token. The secret itself is never included.
#[derive(SimpleObject)]
#[graphql(name = "APITokenValue", serial)]
pub(crate) struct ApiTokenValue {
    /// The last four characters of the value, to recognise it by.
    hint: String,
    /// The number of the value within its token.
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

/// Who did something.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct Actor {
    /// Its kind.
    kind: ActorKind,
    /// The id of the API token; null for `SYSTEM`.
    id: Option<ID>,
}

impl From<DomainActor> for Actor {
    fn from(actor: DomainActor) -> Self {
        Self { kind: actor.kind().into(), id: actor.token_id().map(|id| ID(id.to_string())) }
    }
}

/// A count as GraphQL's 32-bit `Int` holds it. None of ours comes near its end.
pub(crate) fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
