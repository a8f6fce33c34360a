//! The use of the values in an answer. It is read when the first field of it is asked for: by one statement for all values of a page, and
//! one more if their users are asked for, who are a hundred times as many rows. And what retiring a value would do to its users.

use std::collections::BTreeMap;

use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::domain::id::TokenId;
use crate::domain::value_use::{Asked, UNUSED, User, UserUse, ValueUse};
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::graphql::error::refuse;
use crate::graphql::schema::context::{caller, service};
use crate::graphql::schema::types::leaf::date_time::DateTime;
use crate::graphql::schema::types::leaf::enums::VerificationCode;
use crate::graphql::schema::types::leaf::int::{int, saturated};
use crate::service::{Rehearsal, RotationRehearsal, View};

/// The use of each value, by token and generation.
type Uses = BTreeMap<(TokenId, u32), ValueUse>;

/// The use of some values.
pub(crate) struct ValueUses {
    values: Vec<(TokenId, u32)>,
    /// Without users, once it is read. A failure is not repeated for each value.
    totals: OnceCell<Result<Uses>>,
    /// With users, once it is read.
    users: OnceCell<Result<Uses>>,
}

impl ValueUses {
    /// Of the values of these tokens.
    pub(super) fn of_tokens<'a>(views: impl IntoIterator<Item = &'a View>) -> Self {
        let values = views.into_iter().flat_map(View::values).collect();
        Self { values, totals: OnceCell::new(), users: OnceCell::new() }
    }

    async fn read(&self, ctx: &Context<'_>, asked: Asked) -> Result<Uses> {
        service(ctx)?.value_uses(caller(ctx)?, &self.values, asked).await.map_err(refuse)
    }

    /// The use of this value, with at least what is asked for. A value that was deleted since it was read has none.
    pub(super) async fn of(&self, ctx: &Context<'_>, value: (TokenId, u32), asked: Asked) -> Result<&ValueUse> {
        // Boxed, because the compiler would otherwise look through all of it for every field of a token.
        let read: BoxFuture<'_, _> = self.read(ctx, asked).boxed();
        let cell = if asked == Asked::Users || self.users.initialized() { &self.users } else { &self.totals };
        let found = cell.get_or_init(|| read).await.as_ref().map_err(Clone::clone)?;
        Ok(found.get(&value).unwrap_or(&UNUSED))
    }
}

/// A user of a value: a distinct client, by the network and the product name of the user agent.
#[derive(SimpleObject)]
#[graphql(name = "APITokenValueUser", serial)]
pub(crate) struct ApiTokenValueUser {
    /// Its address, or the block of addresses in CIDR notation that it is in, as precisely as the operator allows; null
    /// if unknown or not recorded.
    address: Option<String>,
    /// The product name of its user agent, such as `curl`, without the version; null if it sent none, or if another
    /// client presented the value for it.
    user_agent: Option<String>,
    /// Its first use of the value, after any 24 hours in which it did not use it.
    first_seen_at: DateTime,
    /// Its last use of the value.
    last_seen_at: DateTime,
    /// About how often it used the value since `firstSeenAt`. 2147483647 means that often or more.
    count: i32,
}

impl ApiTokenValueUser {
    pub(super) fn new(User { address, user_agent }: User, used: UserUse) -> Self {
        let UserUse { first_seen_at, last_seen_at, count } = used;
        Self {
            address,
            user_agent,
            first_seen_at: first_seen_at.into(),
            last_seen_at: last_seen_at.into(),
            count: saturated(count),
        }
    }
}

/// What would happen if a value of an API token were retired now.
#[derive(SimpleObject)]
#[graphql(name = "APITokenRetirementRehearsal", complex, serial)]
pub(crate) struct ApiTokenRetirementRehearsal {
    /// The generation of the value.
    generation: i32,
    /// What clients that send the value would get: `VALUE_RETIRED`, or the code that they get already.
    code: VerificationCode,
    /// Whether retiring this value now is refused with `STILL_IN_USE` unless it is forced. For the previous value, this is what
    /// `endAPITokenOverlap` does. A rotation with an `overlapMinutes` of 0 retires all values: see `rotation`.
    needs_force: bool,
    /// When that is no longer refused, if the value is not used again; null if it is not refused now.
    silent_at: Option<DateTime>,
    /// What `rotateAPIToken` with an `overlapMinutes` of 0 would do now: it retires all values that work. Null if you could not
    /// rotate the API token now, whatever your permissions: for example, because it does not work, or was rotated seconds ago.
    rotation: Option<ApiTokenRotationRehearsal>,
    /// When the value was last used successfully, at most a minute behind; null if never. This request does not count.
    last_used_at: Option<DateTime>,
    #[graphql(skip)]
    used: ValueUse,
}

/// What would happen if an API token were rotated now with an `overlapMinutes` of 0.
#[derive(SimpleObject)]
#[graphql(name = "APITokenRotationRehearsal", serial)]
pub(crate) struct ApiTokenRotationRehearsal {
    /// Whether it is refused with `STILL_IN_USE` unless it is forced.
    needs_force: bool,
    /// When it is no longer refused, if no value is used again; null if it is not refused now.
    silent_at: Option<DateTime>,
    /// The generations of the values that are in use.
    generations_in_use: Vec<i32>,
}

impl From<RotationRehearsal> for ApiTokenRotationRehearsal {
    fn from(rehearsal: RotationRehearsal) -> Self {
        Self {
            needs_force: !rehearsal.in_use.is_empty(),
            silent_at: rehearsal.silent_at().map(DateTime),
            generations_in_use: rehearsal.in_use.iter().map(|in_use| int(in_use.generation)).collect(),
        }
    }
}

#[ComplexObject]
impl ApiTokenRetirementRehearsal {
    /// Whose requests would fail: the users of the last 24 hours, 20 at most, those that were seen last first.
    async fn users(&self) -> ReadyList<Ready<ApiTokenValueUser>> {
        let user = |(user, used): (&User, _)| ApiTokenValueUser::new(user.clone(), used).into();
        self.used.shown_users().0.into_iter().map(user).collect()
    }

    /// How many other users of the last 24 hours there are, as far as they are counted: 80 at most.
    async fn other_user_count(&self) -> i32 {
        saturated(self.used.shown_users().1 as u64)
    }
}

impl From<Rehearsal> for ApiTokenRetirementRehearsal {
    fn from(rehearsal: Rehearsal) -> Self {
        let Rehearsal { generation, code, used, in_use, rotation } = rehearsal;
        Self {
            generation: int(generation),
            code: code.into(),
            needs_force: in_use.is_some(),
            silent_at: in_use.map(|in_use| in_use.silent_at.into()),
            rotation: rotation.map(Into::into),
            last_used_at: used.last_used_at.map(DateTime),
            used,
        }
    }
}
