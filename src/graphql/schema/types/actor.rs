//! `Actor`: who did something.

use async_graphql::{ID, SimpleObject};

use crate::domain::token::Actor as DomainActor;

use super::leaf::enums::ActorKind;

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
