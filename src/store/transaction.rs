//! The statements that change something. One transaction an operation; its audit event is written in the same one, and
//! whoever must know of it is told when it is durable.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
    PaginatorTrait, QueryFilter, QuerySelect, UpdateMany,
};

use tokio::sync::OwnedMutexGuard;

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;
use crate::domain::lifecycle::Retirement;
use crate::domain::rotation::Rotation;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Token, ValueFacts};

use super::entity::{api_token, api_token_value};
use super::feed::{Feed, Notes, notify};
use super::token::find;
use super::{Error, rows};

/// A transaction that may write. Nothing is kept unless [`Transaction::commit`] returns.
#[derive(Debug)]
pub struct Transaction {
    inner: DatabaseTransaction,
    feed: Arc<Feed>,
    notes: Mutex<Notes>,
    /// On SQLite, the right to be the next to commit.
    turn: Option<OwnedMutexGuard<()>>,
}

/// Whether a rotation took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// It did.
    Won,
    /// The facts that it was decided on are no longer true: another rotation, a revocation or a first use was quicker.
    Lost,
}

impl Transaction {
    pub(super) fn new(inner: DatabaseTransaction, feed: Arc<Feed>, turn: Option<OwnedMutexGuard<()>>) -> Self {
        Self { inner, feed, notes: Mutex::default(), turn }
    }

    /// Waits until nobody else is changing the token to change, and keeps others from it, and from the token to keep as it
    /// is, until this transaction ends. Always in the order of the ids, so that two transactions never wait for each other.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock(&self, to_change: Option<TokenId>, to_keep: Option<TokenId>) -> Result<(), Error> {
        if self.inner.get_database_backend() == DbBackend::Sqlite {
            // It knows no row locks and needs none: its one writer holds them all.
            return Ok(());
        }
        let to_keep = to_keep.filter(|id| Some(*id) != to_change);
        let mut ids: Vec<TokenId> = to_change.into_iter().chain(to_keep).collect();
        ids.sort();
        for id in ids {
            let row = api_token::Entity::find_by_id(id.to_string());
            let row = if Some(id) == to_change { row.lock_exclusive() } else { row.lock_shared() };
            row.one(&self.inner).await?;
        }
        Ok(())
    }

    /// The token of this id. Read after the lock, in a statement of its own: one that waits for a lock reads what it joins
    /// as it was before the wait.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_token(&self, id: TokenId) -> Result<Option<Token>, Error> {
        find(&self.inner, id).await
    }

    /// Whether there is no token at all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        Ok(api_token::Entity::find().limit(1).count(&self.inner).await? == 0)
    }

    /// Adds a token with its first value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert(&self, token: &Token) -> Result<(), Error> {
        rows::token_row(token).insert(&self.inner).await?;
        rows::value_row(token.id, &token.current).insert(&self.inner).await?;
        self.note(token.id);
        Ok(())
    }

    /// Writes the settings of a token anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update(&self, token: &Token) -> Result<(), Error> {
        let row = rows::token_row(token);
        api_token::Entity::update_many()
            .set(api_token::ActiveModel {
                name: row.name,
                description: row.description,
                owner: row.owner,
                permissions: row.permissions,
                scopes: row.scopes,
                allowed_cidr_blocks: row.allowed_cidr_blocks,
                allowed_origins: row.allowed_origins,
                on_reuse: row.on_reuse,
                protected: row.protected,
                updated_at: row.updated_at,
                updated_by: row.updated_by,
                ..Default::default()
            })
            .filter(api_token::Column::Id.eq(token.id.to_string()))
            .exec(&self.inner)
            .await?;
        self.note(token.id);
        Ok(())
    }

    /// Carries out a rotation, if the facts it was decided on are still true (R7).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate(&self, id: TokenId, rotation: &Rotation, issued: &ValueFacts) -> Result<Rotated, Error> {
        let previous_generation = rotation.previous.map(|previous| i64::from(previous.generation));
        let won = api_token::Entity::update_many()
            .col_expr(api_token::Column::Generation, Expr::value(i64::from(rotation.generation)))
            .col_expr(api_token::Column::PreviousGeneration, Expr::value(previous_generation))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .filter(api_token::Column::Generation.eq(i64::from(rotation.from_generation)))
            .filter(api_token::Column::RevokedAt.is_null())
            .exec(&self.inner)
            .await?;
        if won.rows_affected != 1 {
            return Ok(Rotated::Lost);
        }
        let replaced = api_token_value::ActiveModel {
            replaced_at: Set(Some(issued.created_at.unix_millis())),
            retires_at: Set(Some(issued.created_at.unix_millis())),
            salt: Set(None),
            ..Default::default()
        };
        let mut update = self.update_value(id, rotation.from_generation, replaced);
        if rotation.recovers {
            update = update.filter(api_token_value::Column::FirstUsedAt.is_null());
        }
        if update.exec(&self.inner).await?.rows_affected != 1 {
            return Ok(Rotated::Lost);
        }
        if let Some(previous) = rotation.previous {
            self.retire(id, previous).await?;
        }
        rows::value_row(id, issued).insert(&self.inner).await?;
        self.note(id);
        Ok(Rotated::Won)
    }

    /// Sets the moment at which the previous value stops working.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retire(&self, id: TokenId, previous: Retirement) -> Result<(), Error> {
        let retires_at = Set(previous.retires_at.map(Timestamp::unix_millis));
        let retired = api_token_value::ActiveModel { retires_at, ..Default::default() };
        self.update_value(id, previous.generation, retired).exec(&self.inner).await?;
        self.note(id);
        Ok(())
    }

    /// Retires the previous value at once, whatever any clock says.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_overlap(&self, id: TokenId) -> Result<(), Error> {
        api_token::Entity::update_many()
            .col_expr(api_token::Column::PreviousGeneration, Expr::value(Option::<i64>::None))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .exec(&self.inner)
            .await?;
        self.note(id);
        Ok(())
    }

    /// Forgets what the current value of a token could be derived from again (R6).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_salt(&self, id: TokenId, generation: u32) -> Result<(), Error> {
        let erased = api_token_value::ActiveModel { salt: Set(None), ..Default::default() };
        self.update_value(id, generation, erased).exec(&self.inner).await?;
        Ok(())
    }

    /// Marks a token revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke(&self, id: TokenId, now: Timestamp) -> Result<(), Error> {
        api_token::Entity::update_many()
            .col_expr(api_token::Column::RevokedAt, Expr::value(now.unix_millis()))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .filter(api_token::Column::RevokedAt.is_null())
            .exec(&self.inner)
            .await?;
        self.note(id);
        Ok(())
    }

    /// Remembers that a value was presented successfully, and that this was its first use if none is known (R5).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_use(&self, id: TokenId, generation: u32, now: Timestamp) -> Result<(), Error> {
        let used = api_token_value::ActiveModel {
            first_used_at: Set(Some(now.unix_millis())),
            salt: Set(None),
            ..Default::default()
        };
        let unused = api_token_value::Column::FirstUsedAt.is_null();
        if self.update_value(id, generation, used).filter(unused).exec(&self.inner).await?.rows_affected > 0 {
            // A later use changes the moment of the last one only, which decides nothing.
            self.note(id);
        }
        api_token::Entity::update_many()
            .col_expr(api_token::Column::LastUsedAt, Expr::value(now.unix_millis()))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Claims the recording of a reuse: whether none was recorded for this value since `since` (R8).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_reuse(
        &self,
        id: TokenId,
        generation: u32,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let reused = api_token_value::ActiveModel { reused_at: Set(Some(now.unix_millis())), ..Default::default() };
        let silent = Condition::any()
            .add(api_token_value::Column::ReusedAt.is_null())
            .add(api_token_value::Column::ReusedAt.lte(since.unix_millis()));
        Ok(self.update_value(id, generation, reused).filter(silent).exec(&self.inner).await?.rows_affected == 1)
    }

    /// Makes all of it durable; only then may it be told (R13). Whoever remembers what it changes, or waits for it, has been
    /// told when this returns.
    ///
    /// # Errors
    /// When the database fails. Whether the transaction took place is then not known.
    pub async fn commit(self) -> Result<(), Error> {
        // In a task of its own: a client that goes away must not keep what is durable from being told.
        let committed = tokio::spawn(self.commit_and_tell()).await;
        committed.unwrap_or_else(|err| Err(DbErr::Custom(format!("the commit was cut short: {err}")).into()))
    }

    async fn commit_and_tell(self) -> Result<(), Error> {
        let Self { inner, feed, notes, turn } = self;
        let notes = notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        if inner.get_database_backend() == DbBackend::Postgres
            && let Some(payload) = notes.payload()
        {
            notify(&inner, payload).await?;
        }
        let committed = inner.commit().await;
        match committed {
            Ok(()) => feed.publish(notes),
            Err(_) => feed.publish_doubtful(notes),
        }
        drop(turn);
        Ok(committed?)
    }

    /// Notes that this transaction changes what is known of a token.
    fn note(&self, id: TokenId) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).tokens.insert(id);
    }

    /// Notes that this transaction appends an event to the audit log.
    pub(super) fn note_event(&self, event: &AuditEvent) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).events.push(Arc::new(event.clone()));
    }

    pub(super) fn connection(&self) -> &DatabaseTransaction {
        &self.inner
    }

    fn update_value(
        &self,
        id: TokenId,
        generation: u32,
        change: api_token_value::ActiveModel,
    ) -> UpdateMany<api_token_value::Entity> {
        api_token_value::Entity::update_many()
            .set(change)
            .filter(api_token_value::Column::TokenId.eq(id.to_string()))
            .filter(api_token_value::Column::Generation.eq(i64::from(generation)))
    }
}
