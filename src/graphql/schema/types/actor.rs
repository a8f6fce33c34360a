//! `Actor`: who did something.

use async_graphql::{ID, SimpleObject};

use crate::domain::token::Actor as DomainActor;

use super::leaf::enums::ActorKind;

/// Who caused a change or an event.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct Actor {
    /// Whether it was the holder of an API token or the operator.
    kind: ActorKind,
    /// The id of the API token; null for `SYSTEM`.
    id: Option<ID>,
}

impl From<DomainActor> for Actor {
    fn from(actor: DomainActor) -> Self {
        Self { kind: actor.kind().into(), id: actor.token_id().map(|id| ID(id.to_string())) }
    }
}
