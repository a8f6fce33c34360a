//! `APITokenValue`: one value of an API token, without the secret.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::brown_out;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Token, ValueFacts};
use crate::domain::value::Hint;
use crate::domain::value::foreign::FormatName;
use crate::domain::value_use::{Asked, User, ValueUse};
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::graphql::schema::types::leaf::date_time::DateTime;
use crate::graphql::schema::types::leaf::int::{int, saturated};

use super::value_use::{ApiTokenValueUser, ValueUses};

/// One value of an API token. The secret itself is never included.
pub(crate) struct ApiTokenValue {
    token_id: TokenId,
    hint: Hint,
    format: Option<Box<FormatName>>,
    generation: u32,
    created_at: Timestamp,
    first_used_at: Option<Timestamp>,
    replaced_at: Option<Timestamp>,
    retires_at: Option<Timestamp>,
    brown_outs_start_at: Option<Timestamp>,
    uses: Arc<ValueUses>,
}

impl ApiTokenValue {
    /// The value of this token. `uses` are those of all values of the answer.
    pub(super) fn new(token: &Token, value: &ValueFacts, uses: Arc<ValueUses>) -> Self {
        Self {
            token_id: token.id,
            brown_outs_start_at: brown_out::starts_at(token, value.generation),
            hint: value.hint,
            format: value.format.clone(),
            generation: value.generation,
            created_at: value.created_at,
            first_used_at: value.first_used_at,
            replaced_at: value.replaced_at,
            retires_at: value.retires_at,
            uses,
        }
    }

    /// How it is used, and what of that is asked for. An error is returned within an `Option`, so that the field becomes null: in the answer
    /// to a mutation, it must not take away a new value.
    async fn used<T>(
        &self,
        ctx: &Context<'_>,
        asked: Asked,
        of: impl FnOnce(&ValueUse) -> Option<T>,
    ) -> Option<Result<T>> {
        let used = self.uses.of(ctx, (self.token_id, self.generation), asked).await;
        used.map(of).transpose()
    }
}

/// One value of an API token. The secret itself is never included.
#[Object(name = "APITokenValue", serial)]
impl ApiTokenValue {
    /// The last four characters of the value, to recognise it by. Empty for an imported value of which they are unknown.
    async fn hint(&self) -> &str {
        self.hint.as_str()
    }

    /// The format of a value that was issued elsewhere and imported: a name that the operator gave it. Null for a value of
    /// Rotakey.
    async fn format(&self) -> Option<&str> {
        self.format.as_deref().map(FormatName::as_str)
    }

    /// The number of the value within its token: 1 at creation, and one more at each rotation.
    async fn generation(&self) -> i32 {
        int(self.generation)
    }

    /// When it was issued.
    async fn created_at(&self) -> DateTime {
        self.created_at.into()
    }

    /// When it was first used successfully; null if never.
    async fn first_used_at(&self) -> Option<DateTime> {
        self.first_used_at.map(DateTime)
    }

    /// When a newer value replaced it; null for the current value.
    async fn replaced_at(&self) -> Option<DateTime> {
        self.replaced_at.map(DateTime)
    }

    /// When it retires; null for the current value, and for the previous one before its overlap has started.
    async fn retires_at(&self) -> Option<DateTime> {
        self.retires_at.map(DateTime)
    }

    /// When it begins to fail again and again for some seconds, because the rotation asked for brown-outs; null if it does not,
    /// or the new value has not been used yet.
    async fn brown_outs_start_at(&self) -> Option<DateTime> {
        self.brown_outs_start_at.map(DateTime)
    }

    /// When it was last used successfully, at most a minute behind; null if never. Needs the permission of `users`.
    async fn last_used_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime>> {
        self.used(ctx, Asked::Totals, |used| used.last_used_at.map(DateTime)).await
    }

    /// About how often it was used successfully, at most a minute behind. 2147483647 means that often or more. Null only
    /// if it cannot be read; then there is an error. Needs the permission of `users`.
    async fn use_count(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        self.used(ctx, Asked::Totals, |used| Some(saturated(used.count))).await
    }

    /// The users of the last 24 hours, 20 at most, those that were seen last first: who still has to switch to the
    /// current value. At most a minute behind. Your own API token needs no permission; another one needs
    /// `API_TOKEN_READ`. Null only if they cannot be read; then there is an error.
    async fn users(&self, ctx: &Context<'_>) -> Option<Result<ReadyList<Ready<ApiTokenValueUser>>>> {
        let user = |(user, used): (&User, _)| ApiTokenValueUser::new(user.clone(), used).into();
        self.used(ctx, Asked::Users, |used| Some(used.shown_users().0.into_iter().map(user).collect())).await
    }

    /// How many other users of the last 24 hours there are, as far as they are counted: 80 at most. Null only if they
    /// cannot be read; then there is an error. Needs the permission of `users`.
    async fn other_user_count(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        self.used(ctx, Asked::Users, |used| Some(saturated(used.shown_users().1 as u64))).await
    }
}
