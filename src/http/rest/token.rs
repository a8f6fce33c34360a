//! What the REST doors answer: an API token and a page of them, under the names of the GraphQL schema.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{
    Actor as DomainActor, ActorKind, OverlapStart, Permission, ReusePolicy, TokenKind, ValueFacts,
};
use crate::domain::value::Value;
use crate::service::{Connection, Issued, View};

/// The lasting thing: an id, a name and settings. It survives every rotation; its id never changes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APIToken)]
pub(super) struct ApiToken {
    /// The lasting identity, sortable by creation.
    id: String,
    /// A name for people.
    name: String,
    /// What the token is for.
    #[schema(required)]
    description: Option<String>,
    /// Whose token it is: any string of the operator's, such as a customer, a user or a service.
    #[schema(required)]
    owner: Option<String>,
    /// Who holds it, and so who may rotate it. Fixed at creation.
    #[schema(value_type = TokenKind)]
    kind: &'static str,
    /// What it is at the moment of this answer.
    #[schema(value_type = Status)]
    status: &'static str,
    /// What it may do to Rotakey itself.
    #[schema(value_type = Vec<Permission>)]
    permissions: Vec<&'static str>,
    /// What it may do to the API it protects, in the scope syntax of RFC 6749; `*` covers all.
    scopes: Vec<String>,
    /// From which networks it may be used, in CIDR notation; an empty list allows all.
    #[serde(rename = "allowedCIDRBlocks")]
    allowed_cidr_blocks: Vec<String>,
    /// From which web origins it may be used; an empty list allows all.
    allowed_origins: Vec<String>,
    /// The number of its current value: 1 at creation, one more at each rotation.
    generation: u32,
    /// The facts about its current value and, while an overlap lasts, about the previous one. Never the secret itself.
    values: Vec<ApiTokenValue>,
    /// When it was created.
    #[schema(value_type = Timestamp)]
    created_at: String,
    /// Who created it.
    created_by: Actor,
    /// When its settings were last changed; null if they never were.
    #[schema(required, value_type = Option<Timestamp>)]
    updated_at: Option<String>,
    /// Who changed its settings last; null if they never were changed.
    #[schema(required)]
    updated_by: Option<Actor>,
    /// When its current value was issued by a rotation; null if it was never rotated.
    #[schema(required, value_type = Option<Timestamp>)]
    rotated_at: Option<String>,
    /// Who rotated it last; null if it was never rotated.
    #[schema(required)]
    rotated_by: Option<Actor>,
    /// When one of its values was last presented successfully; at most a minute behind.
    #[schema(required, value_type = Option<Timestamp>)]
    last_used_at: Option<String>,
    /// The end of its life, which no rotation moves. Fixed at creation; null for none.
    #[schema(required, value_type = Option<Timestamp>)]
    expires_at: Option<String>,
    /// The longest time it may go without being rotated, in minutes. Fixed at creation; null for none.
    #[schema(required)]
    rotation_period_minutes: Option<u32>,
    /// From when on it is overdue and works no more, unless rotated before; null without a rotation period.
    #[schema(required, value_type = Option<Timestamp>)]
    rotate_by: Option<String>,
    /// How long the previous value still works after a rotation, in minutes. Fixed at creation.
    overlap_minutes: u32,
    /// From when on the overlap is counted. Fixed at creation.
    #[schema(value_type = OverlapStart)]
    overlap_starts: &'static str,
    /// What happens when a value of it is presented that works no more.
    #[schema(value_type = ReusePolicy)]
    on_reuse: &'static str,
    /// Whether it cannot be revoked until this is taken back.
    protected: bool,
    /// When it was revoked; null if it was not.
    #[schema(required, value_type = Option<Timestamp>)]
    revoked_at: Option<String>,
    /// The new value, only in the answer that issues it; absent everywhere else. Keep it now: it is not shown again.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "told_once")]
    #[schema(value_type = String, required = false)]
    value: Option<Value>,
}

/// An API token that was rotated.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RotatedAPIToken)]
pub(super) struct RotatedApiToken {
    #[serde(flatten)]
    token: ApiToken,
    /// The generation of the value that this rotation cancelled, because nobody had used it: its answer was lost, or you rotated
    /// twice with the same value. Null if none was. The cancelled value does not work.
    #[schema(required)]
    cancelled_generation: Option<u32>,
}

impl From<Issued> for RotatedApiToken {
    fn from(issued: Issued) -> Self {
        Self { cancelled_generation: issued.cancelled_generation, token: issued.into() }
    }
}

impl From<View> for ApiToken {
    fn from(View { token, status }: View) -> Self {
        let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let rotated_at = token.rotated_at();
        let rotate_by = token.rotate_by();
        let settings = &token.settings;
        Self {
            id: token.id.to_string(),
            name: settings.name.to_string(),
            description: settings.description.as_deref().map(str::to_owned),
            owner: settings.owner.as_deref().map(str::to_owned),
            kind: settings.kind.as_str(),
            status: status.as_str(),
            permissions: settings.permissions.iter().map(Permission::as_str).collect(),
            scopes: settings.scopes.iter().map(str::to_owned).collect(),
            allowed_cidr_blocks: settings.allowed_cidr_blocks.iter().map(|block| block.to_string()).collect(),
            allowed_origins: settings.allowed_origins.iter().map(ToString::to_string).collect(),
            generation: token.current.generation,
            values: token.values().map(ApiTokenValue::from).collect(),
            created_at: token.created_at.to_string(),
            created_by: token.created_by.into(),
            updated_at: moment(token.updated.map(|(at, _)| at)),
            updated_by: token.updated.map(|(_, actor)| actor.into()),
            rotated_at: moment(rotated_at),
            rotated_by: rotated_at.map(|_| token.current.created_by.into()),
            last_used_at: moment(token.last_used_at),
            expires_at: moment(settings.expires_at),
            rotation_period_minutes: settings.rotation_period_minutes,
            rotate_by: moment(rotate_by),
            overlap_minutes: settings.overlap_minutes,
            overlap_starts: settings.overlap_starts.as_str(),
            on_reuse: settings.on_reuse.as_str(),
            protected: settings.protected,
            revoked_at: moment(token.revoked_at),
            value: None,
        }
    }
}

impl From<Issued> for ApiToken {
    fn from(issued: Issued) -> Self {
        Self { value: Some(issued.value), ..issued.view.into() }
    }
}

/// Writes a value into the one answer that issues it (R9).
pub(super) fn told_once<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(Value::expose).serialize(serializer)
}

/// The facts about one value of an API token. The secret itself is not among them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenValue)]
pub(super) struct ApiTokenValue {
    /// The last four characters of the value, to tell it from others.
    hint: String,
    /// The number of the value within its token.
    generation: u32,
    /// When it was issued.
    #[schema(value_type = Timestamp)]
    created_at: String,
    /// When it was first presented successfully; null if it never was.
    #[schema(required, value_type = Option<Timestamp>)]
    first_used_at: Option<String>,
    /// When a newer value replaced it; null for the current value.
    #[schema(required, value_type = Option<Timestamp>)]
    replaced_at: Option<String>,
    /// When it stops working; null for the current value, and for the previous one while its overlap has not begun.
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

/// Who did something.
#[derive(Serialize, ToSchema)]
pub(super) struct Actor {
    /// Of what kind it is.
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

/// A page of API tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenPage)]
pub(super) struct ApiTokenPage {
    /// The API tokens of the page.
    data: Vec<ApiToken>,
    /// Where the page lies.
    page_info: PageInfo,
}

/// Where a page lies.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    /// Whether there is more behind the last one.
    has_next_page: bool,
    /// Whether there is more before the first one.
    has_previous_page: bool,
    /// The cursor of the first one, for `before`; null on an empty page.
    #[schema(required)]
    start_cursor: Option<String>,
    /// The cursor of the last one, for `after`; null on an empty page.
    #[schema(required)]
    end_cursor: Option<String>,
}

impl From<Connection> for ApiTokenPage {
    fn from(connection: Connection) -> Self {
        let cursor = |edge: Option<&(String, _)>| edge.map(|(cursor, _)| cursor.clone());
        let page_info = PageInfo {
            has_next_page: connection.has_next_page,
            has_previous_page: connection.has_previous_page,
            start_cursor: cursor(connection.edges.first()),
            end_cursor: cursor(connection.edges.last()),
        };
        Self { data: connection.edges.into_iter().map(|(_, view)| view.into()).collect(), page_info }
    }
}
