//! `APIToken`, its values, and who did what to it.

use async_graphql::{ID, Object, SimpleObject};

use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor as DomainActor, ValueFacts};
use crate::domain::value::Value;
use crate::service::{Issued, View};

use super::leaf::date_time::DateTime;
use super::leaf::enums::{ActorKind, ApiTokenKind, ApiTokenStatus, OverlapStart, Permission, ReusePolicy};

/// The lasting thing: an id, a name and settings. It survives every rotation; its id never changes.
pub(crate) struct ApiToken {
    view: View,
    value: Option<Value>,
}

impl From<View> for ApiToken {
    fn from(view: View) -> Self {
        Self { view, value: None }
    }
}

impl From<Issued> for ApiToken {
    fn from(issued: Issued) -> Self {
        Self { view: issued.view, value: Some(issued.value) }
    }
}

/// The lasting thing: an id, a name and settings. It survives every rotation; its id never changes.
#[Object(name = "APIToken", serial)]
impl ApiToken {
    /// The lasting identity, sortable by creation.
    pub(crate) async fn id(&self) -> ID {
        ID(self.view.token.id.to_string())
    }

    /// A name for people.
    async fn name(&self) -> &str {
        &self.view.token.settings.name
    }

    /// What the token is for.
    async fn description(&self) -> Option<&str> {
        self.view.token.settings.description.as_deref()
    }

    /// Whose token it is: any string of the operator's, such as a customer, a user or a service.
    async fn owner(&self) -> Option<&str> {
        self.view.token.settings.owner.as_deref()
    }

    /// Who holds it, and so who may rotate it. Fixed at creation.
    async fn kind(&self) -> ApiTokenKind {
        self.view.token.settings.kind.into()
    }

    /// What it is at the moment of this answer.
    async fn status(&self) -> ApiTokenStatus {
        self.view.status.into()
    }

    /// What it may do to Rotakey itself.
    async fn permissions(&self) -> Vec<Permission> {
        self.view.token.settings.permissions.iter().map(Permission::from).collect()
    }

    /// What it may do to the API it protects, in the scope syntax of RFC 6749; `*` covers all.
    async fn scopes(&self) -> Vec<&str> {
        self.view.token.settings.scopes.iter().collect()
    }

    /// From which networks it may be used, in CIDR notation; an empty list allows all.
    #[graphql(name = "allowedCIDRBlocks")]
    async fn allowed_cidr_blocks(&self) -> Vec<String> {
        self.view.token.settings.allowed_cidr_blocks.iter().map(|block| block.to_string()).collect()
    }

    /// From which web origins it may be used; an empty list allows all.
    async fn allowed_origins(&self) -> Vec<String> {
        self.view.token.settings.allowed_origins.iter().map(ToString::to_string).collect()
    }

    /// The number of its current value: 1 at creation, one more at each rotation.
    async fn generation(&self) -> i32 {
        int(self.view.token.current.generation)
    }

    /// The facts about its current value and, while an overlap lasts, about the previous one. Never the secret itself.
    async fn values(&self) -> Vec<ApiTokenValue> {
        let token = &self.view.token;
        token.values().map(ApiTokenValue::from).collect()
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.view.token.created_at.into()
    }

    /// Who created it.
    async fn created_by(&self) -> Actor {
        self.view.token.created_by.into()
    }

    /// When its settings were last changed; null if they never were.
    async fn updated_at(&self) -> Option<DateTime> {
        self.view.token.updated.map(|(at, _)| at.into())
    }

    /// Who changed its settings last; null if they never were changed.
    async fn updated_by(&self) -> Option<Actor> {
        self.view.token.updated.map(|(_, actor)| actor.into())
    }

    /// When its current value was issued by a rotation; null if it was never rotated.
    async fn rotated_at(&self) -> Option<DateTime> {
        self.view.token.rotated_at().map(DateTime)
    }

    /// Who rotated it last; null if it was never rotated.
    async fn rotated_by(&self) -> Option<Actor> {
        let token = &self.view.token;
        token.rotated_at().map(|_| token.current.created_by.into())
    }

    /// When one of its values was last presented successfully; at most a minute behind.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.view.token.last_used_at.map(DateTime)
    }

    /// The end of its life, which no rotation moves. Fixed at creation; null for none.
    async fn expires_at(&self) -> Option<DateTime> {
        self.view.token.settings.expires_at.map(DateTime)
    }

    /// The longest time it may go without being rotated, in minutes. Fixed at creation; null for none.
    async fn rotation_period_minutes(&self) -> Option<i32> {
        self.view.token.settings.rotation_period_minutes.map(int)
    }

    /// From when on it is overdue and works no more, unless rotated before; null without a rotation period.
    async fn rotate_by(&self) -> Option<DateTime> {
        self.view.token.rotate_by().map(DateTime)
    }

    /// How long the previous value still works after a rotation, in minutes. Fixed at creation.
    async fn overlap_minutes(&self) -> i32 {
        int(self.view.token.settings.overlap_minutes)
    }

    /// From when on the overlap is counted. Fixed at creation.
    async fn overlap_starts(&self) -> OverlapStart {
        self.view.token.settings.overlap_starts.into()
    }

    /// What happens when a value of it is presented that works no more.
    async fn on_reuse(&self) -> ReusePolicy {
        self.view.token.settings.on_reuse.into()
    }

    /// Whether it cannot be revoked until this is taken back.
    async fn protected(&self) -> bool {
        self.view.token.settings.protected
    }

    /// When it was revoked; null if it was not.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.view.token.revoked_at.map(DateTime)
    }

    /// The new value, only in the answer that issues it; null everywhere else. Keep it now: it is not shown again.
    async fn value(&self) -> Option<&str> {
        self.value.as_ref().map(Value::expose)
    }
}

/// The facts about one value of an API token. The secret itself is not among them.
#[derive(SimpleObject)]
#[graphql(name = "APITokenValue", serial)]
pub(crate) struct ApiTokenValue {
    /// The last four characters of the value, to tell it from others.
    hint: String,
    /// The number of the value within its token.
    generation: i32,
    /// When it was issued.
    created_at: DateTime,
    /// When it was first presented successfully; null if it never was.
    first_used_at: Option<DateTime>,
    /// When a newer value replaced it; null for the current value.
    replaced_at: Option<DateTime>,
    /// When it stops working; null for the current value, and for the previous one while its overlap has not begun.
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
    /// Of what kind it is.
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
