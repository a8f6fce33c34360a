//! The conditions on audit events as a client gives them, over every protocol.

use crate::domain::audit::{Action, AuditFilter};
use crate::domain::id::TokenId;
use crate::domain::listing;
use crate::domain::timestamp::Timestamp;
use crate::service::Error;

/// Which events, as a client asks for them. What is left out restricts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditConditions {
    /// Events of one of these actions; of all if empty.
    pub actions: Option<Vec<Action>>,
    /// Events about the token with this id.
    pub token_id: Option<String>,
    /// Events by the holder of the token with this id.
    pub actor_id: Option<String>,
    /// Events at or after this time.
    pub since: Option<Timestamp>,
    /// Events before this time.
    pub until: Option<Timestamp>,
}

impl AuditConditions {
    /// The filter for the use case.
    ///
    /// # Errors
    /// `NotFound` for a malformed id.
    pub fn read(self) -> Result<AuditFilter, Error> {
        let Self { actions, token_id, actor_id, since, until } = self;
        let id =
            |id: Option<String>, field| id.map(|id| TokenId::parse(&id).ok_or(Error::NotFound { field })).transpose();
        Ok(AuditFilter {
            actions: listing::list(actions).map(|actions| actions.into_iter().collect()),
            token_id: id(token_id, "tokenId")?,
            actor_id: id(actor_id, "actorId")?,
            since,
            until,
        })
    }
}
