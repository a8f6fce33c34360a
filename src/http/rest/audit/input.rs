//! The parameters of the audit log. They have the names of the GraphQL schema.

use serde_json::Value;
use utoipa::IntoParams;

use crate::domain::audit::Action;
use crate::domain::timestamp::Timestamp;
use crate::http::rejection::Rejection;
use crate::http::rest::input::{Fields, Input, Readable, input};
use crate::service::{AuditConditions, AuditRequest, Error};

input! {
    /// The page of the audit log. All conditions must hold.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    AuditInput with param {
        /// How many from the start, which is the newest, 1 to 200. Cannot be combined with `last`. Without either, the first 25.
        "first" => first: Option<i32> as Option<i32>,
        /// Only events after this cursor, which are older.
        "after" => after: Option<String> as Option<String>,
        /// How many from the end, which is the oldest, 1 to 200. Cannot be combined with `first`.
        "last" => last: Option<i32> as Option<i32>,
        /// Only events before this cursor, which are newer.
        "before" => before: Option<String> as Option<String>,
        /// Only events with one of these actions: separated by commas, or with the parameter repeated.
        "actions" => actions: Option<Vec<Action>> as Option<Vec<Action>>,
        /// Only events about this API token.
        "tokenId" => token_id: Option<String> as Option<String>,
        /// Only events caused by the holder of this API token.
        "actorId" => actor_id: Option<String> as Option<String>,
        /// Only events at or after this time.
        "since" => since: Option<Timestamp> as Option<Timestamp>,
        /// Only events before this time.
        "until" => until: Option<Timestamp> as Option<Timestamp>,
    }
}

/// Its message does not list all actions: it would be too long.
impl Readable for Action {
    fn must_be() -> String {
        format!("the name of an action of the audit log, such as {}", Self::Rotated.as_str())
    }

    fn read(value: Value) -> Option<Self> {
        Self::parse(value.as_str()?)
    }
}

impl AuditInput {
    /// The request for the use case.
    ///
    /// # Errors
    /// When an id is malformed.
    pub(super) fn read(self) -> Result<AuditRequest, Error> {
        let Self { first, after, last, before, actions, token_id, actor_id, since, until } = self;
        let filter = AuditConditions { actions, token_id, actor_id, since, until }.read()?;
        Ok(AuditRequest { first, after, last, before, filter })
    }
}
