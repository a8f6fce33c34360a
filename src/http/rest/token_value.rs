//! A value of an API token, and an actor, in REST responses.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor as DomainActor, ActorKind, ValueFacts};

/// One value of an API token. The secret itself is never included.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenValue)]
pub(super) struct ApiTokenValue {
    /// The last four characters of the value, to recognise it by.
    hint: String,
    /// The number of the value within its token.
    generation: u32,
    /// When it was issued.
    #[schema(value_type = Timestamp)]
    created_at: String,
    /// When it was first used successfully; null if never.
    #[schema(required, value_type = Option<Timestamp>)]
    first_used_at: Option<String>,
    /// When it was replaced by a newer value; null for the current value.
    #[schema(required, value_type = Option<Timestamp>)]
    replaced_at: Option<String>,
    /// When it stops working; null for the current value, and for the previous one before its overlap has started.
    #[schema(required, value_type = Option<Timestamp>)]
    retires_at: Option<String>,
}

impl From<&ValueFacts> for ApiTokenValue {
    fn from(value: &ValueFacts) -> Self {
        let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            hint: value.hint.as_str().to_owned(),
            generation: value.generation,
            created_at: value.created_at.to_string(),
            first_used_at: moment(value.first_used_at),
            replaced_at: moment(value.replaced_at),
            retires_at: moment(value.retires_at),
        }
    }
}

/// Who made a change.
#[derive(Serialize, ToSchema)]
pub(super) struct Actor {
    /// Its kind.
    #[schema(value_type = ActorKind)]
    kind: &'static str,
    /// The id of the API token; null for `SYSTEM`.
    #[schema(required)]
    id: Option<String>,
}

impl From<DomainActor> for Actor {
    fn from(actor: DomainActor) -> Self {
        Self { kind: actor.kind().as_str(), id: actor.token_id().map(|id| id.to_string()) }
    }
}
