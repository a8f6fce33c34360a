//! `APIToken`: every setting and fact of one.

use std::sync::Arc;

use async_graphql::{ID, Object, SimpleObject};

use crate::domain::value::Value;
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::graphql::schema::types::actor::Actor;
use crate::graphql::schema::types::leaf::date_time::DateTime;
use crate::graphql::schema::types::leaf::enums::{
    ApiTokenKind, ApiTokenStatus, LeakPolicy, OverlapEnd, OverlapStart, Permission, ReusePolicy,
};
use crate::graphql::schema::types::leaf::int::int;
use crate::service::{Issued, View};

use super::value::ApiTokenValue;
use super::value_use::ValueUses;

/// An API token: a lasting id, a name and settings. Rotations replace its value; its id never changes.
pub(crate) struct ApiToken {
    view: View,
    value: Option<Value>,
    /// The use of its values, and of those of all tokens on its page.
    uses: Arc<ValueUses>,
}

impl ApiToken {
    /// A token on a page.
    pub(super) fn on_page(view: View, uses: Arc<ValueUses>) -> Self {
        Self { view, value: None, uses }
    }
}

impl From<View> for ApiToken {
    fn from(view: View) -> Self {
        let uses = ValueUses::of_tokens([&view]).into();
        Self { view, value: None, uses }
    }
}

impl From<Issued> for ApiToken {
    fn from(issued: Issued) -> Self {
        Self { value: Some(issued.value), ..issued.view.into() }
    }
}

/// An API token: a lasting id, a name and settings. Rotations replace its value; its id never changes.
#[Object(name = "APIToken", serial)]
impl ApiToken {
    /// Its id, which never changes. Ids sort by creation time.
    pub(crate) async fn id(&self) -> ID {
        ID(self.view.token.id.to_string())
    }

    /// A name for people.
    async fn name(&self) -> &str {
        &self.view.token.settings.name
    }

    /// What the token is for; null if not given.
    async fn description(&self) -> Option<&str> {
        self.view.token.settings.description.as_deref()
    }

    /// Whose token it is: any text of yours, such as the id of a customer, a user or a service; null if not given.
    async fn owner(&self) -> Option<&str> {
        self.view.token.settings.owner.as_deref()
    }

    /// Whether it is private or public. Fixed at creation.
    async fn kind(&self) -> ApiTokenKind {
        self.view.token.settings.kind.into()
    }

    /// Its status at the time of this answer.
    async fn status(&self) -> ApiTokenStatus {
        self.view.status.into()
    }

    /// What it may do to Rotakey itself.
    async fn permissions(&self) -> ReadyList<Permission> {
        self.view.token.settings.permissions.iter().map(Permission::from).collect()
    }

    /// What it may do to your API, as scopes of RFC 6749; `*` covers all.
    async fn scopes(&self) -> ReadyList<&str> {
        self.view.token.settings.scopes.iter().collect()
    }

    /// The networks from which it may be used, in CIDR notation; an empty list allows all.
    #[graphql(name = "allowedCIDRBlocks")]
    async fn allowed_cidr_blocks(&self) -> ReadyList<String> {
        self.view.token.settings.allowed_cidr_blocks.iter().map(|block| block.to_string()).collect()
    }

    /// The web origins from which it may be used; an empty list allows all.
    async fn allowed_origins(&self) -> ReadyList<String> {
        self.view.token.settings.allowed_origins.iter().map(ToString::to_string).collect()
    }

    /// The generation of its current value: 1 at creation, and one more at each rotation.
    async fn generation(&self) -> i32 {
        int(self.view.token.current.generation)
    }

    /// Its current value and, during an overlap, the previous one. The secret itself is never included.
    async fn values(&self) -> ReadyList<Ready<ApiTokenValue>> {
        let token = &self.view.token;
        token.values().map(|value| ApiTokenValue::new(token, value, self.uses.clone()).into()).collect()
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.view.token.created_at.into()
    }

    /// Who created it.
    async fn created_by(&self) -> Ready<Actor> {
        Actor::from(self.view.token.created_by).into()
    }

    /// When its settings were last changed; null if never.
    async fn updated_at(&self) -> Option<DateTime> {
        self.view.token.updated.map(|(at, _)| at.into())
    }

    /// Who last changed its settings; null if never changed.
    async fn updated_by(&self) -> Option<Ready<Actor>> {
        self.view.token.updated.map(|(_, actor)| Actor::from(actor).into())
    }

    /// When it was last rotated; null if never.
    async fn rotated_at(&self) -> Option<DateTime> {
        self.view.token.rotated_at().map(DateTime)
    }

    /// Who last rotated it; null if never rotated.
    async fn rotated_by(&self) -> Option<Ready<Actor>> {
        let token = &self.view.token;
        token.rotated_at().map(|_| Actor::from(token.current.created_by).into())
    }

    /// When one of its values was last used successfully, at most a minute behind; null if never.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.view.token.last_used_at.map(DateTime)
    }

    /// When it starts to work. Fixed at creation; null if it works at once.
    async fn not_before(&self) -> Option<DateTime> {
        self.view.token.settings.not_before.map(DateTime)
    }

    /// When it expires. Rotation does not change this. Fixed at creation; null if it never expires.
    async fn expires_at(&self) -> Option<DateTime> {
        self.view.token.settings.expires_at.map(DateTime)
    }

    /// The longest time it may go without being rotated, in minutes. Fixed at creation; null if unlimited.
    async fn rotation_period_minutes(&self) -> Option<i32> {
        self.view.token.settings.rotation_period_minutes.map(int)
    }

    /// When its rotation period ends. If it is not rotated before then, it becomes `ROTATION_OVERDUE` and no longer
    /// works. Null without a rotation period.
    async fn rotate_by(&self) -> Option<DateTime> {
        self.view.token.rotate_by().map(DateTime)
    }

    /// How long the previous value still works after a rotation, in minutes. Fixed at creation.
    async fn overlap_minutes(&self) -> i32 {
        int(self.view.token.settings.overlap_minutes)
    }

    /// When the overlap starts. Fixed at creation.
    async fn overlap_starts(&self) -> OverlapStart {
        self.view.token.settings.overlap_starts.into()
    }

    /// When the overlap ends. Fixed at creation.
    async fn overlap_ends(&self) -> OverlapEnd {
        self.view.token.settings.overlap_ends.into()
    }

    /// For how many minutes a value must not have been used before it can be retired without `force`, or retires because it
    /// is silent. Fixed at creation; 0 if it may be retired at any time.
    async fn silent_minutes(&self) -> i32 {
        int(self.view.token.settings.silent_minutes)
    }

    /// What happens when a client sends one of its retired values.
    async fn on_reuse(&self) -> ReusePolicy {
        self.view.token.settings.on_reuse.into()
    }

    /// What happens when a value of it that works is reported to have leaked.
    async fn on_leak(&self) -> LeakPolicy {
        self.view.token.settings.on_leak.into()
    }

    /// Your key/value pairs, by key. Rotakey gives them no meaning.
    async fn metadata(&self) -> ReadyList<Ready<MetadataEntry>> {
        let entry = |(key, value): (&str, &str)| MetadataEntry { key: key.to_owned(), value: value.to_owned() }.into();
        self.view.token.settings.metadata.iter().map(entry).collect()
    }

    /// Whether it is protected from revocation and suspension. To revoke or suspend it, set this to false first.
    async fn protected(&self) -> bool {
        self.view.token.settings.protected
    }

    /// When it was revoked; null if it is not revoked.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.view.token.revoked_at.map(DateTime)
    }

    /// Since when it is suspended; null if it is not suspended.
    async fn suspended_at(&self) -> Option<DateTime> {
        self.view.token.suspended_at.map(DateTime)
    }

    /// The new value, only in the answer that issues it; null everywhere else. Store it now: it is not shown again.
    async fn value(&self) -> Option<&str> {
        self.value.as_ref().map(Value::expose)
    }
}

impl ApiToken {
    /// The token, and its value if this answer issues it.
    pub(super) fn parts(&self) -> (&View, Option<&Value>) {
        (&self.view, self.value.as_ref())
    }
}

/// One of your key/value pairs on an API token. Rotakey gives them no meaning.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct MetadataEntry {
    /// The key, which occurs once in an API token.
    key: String,
    /// The value.
    value: String,
}
