//! The statements that change something. One transaction an operation; its audit event is written in the same one, and
//! whoever must know of it is told when it is durable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, RuntimeErr, UpdateMany,
};

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::{Retirement, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

use crate::store::Error;
use crate::store::changes::feed::Notes;
use crate::store::changes::postgres;
use crate::store::connect::pool::PoolTransaction;
use crate::store::entity::{api_token, api_token_value};
use crate::store::token::rows;

use super::durable::Durable;
use super::group::Turn;

/// A transaction that may write. Nothing is kept unless [`Transaction::commit`] returns.
#[derive(Debug)]
pub struct Transaction {
    inner: Inner,
    notes: Mutex<Notes>,
}

#[derive(Debug)]
enum Inner {
    /// On PostgreSQL, a transaction of its own.
    Alone(PoolTransaction, Durable),
    /// On SQLite, a turn in one that is shared.
    InTurn(Turn),
}

impl Transaction {
    pub(in crate::store) fn alone(transaction: PoolTransaction, durable: Durable) -> Self {
        Self { inner: Inner::Alone(transaction, durable), notes: Mutex::default() }
    }

    pub(in crate::store) fn in_turn(turn: Turn) -> Self {
        Self { inner: Inner::InTurn(turn), notes: Mutex::default() }
    }

    /// Whether there is no token at all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        Ok(api_token::Entity::find().limit(1).count(self.connection()).await? == 0)
    }

    /// Adds a token with its first value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert(&self, token: &Token) -> Result<(), Error> {
        api_token::Entity::insert(rows::token_row(token)).exec_without_returning(self.connection()).await?;
        let value = rows::value_row(token.id, &token.current, token.rotate_by());
        api_token_value::Entity::insert(value).exec_without_returning(self.connection()).await?;
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
            .exec(self.connection())
            .await?;
        self.note(token.id);
        Ok(())
    }

    /// Sets the moment at which the previous value stops working.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retire(&self, id: TokenId, previous: Retirement) -> Result<(), Error> {
        let retires_at = Set(previous.retires_at.map(Timestamp::unix_millis));
        let retired = api_token_value::ActiveModel { retires_at, ..Default::default() };
        self.update_value(id, previous.generation, retired).exec(self.connection()).await?;
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
            .exec(self.connection())
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
        self.update_value(id, generation, erased).exec(self.connection()).await?;
        Ok(())
    }

    /// Marks a token revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke(&self, id: TokenId, now: Timestamp) -> Result<(), Error> {
        api_token::Entity::update_many()
            .col_expr(api_token::Column::RevokedAt, Expr::value(now.unix_millis()))
            .col_expr(api_token::Column::SweptStatus, Expr::value(Status::Revoked.as_str()))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .filter(api_token::Column::RevokedAt.is_null())
            .exec(self.connection())
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
        if self.update_value(id, generation, used).filter(unused).exec(self.connection()).await?.rows_affected > 0 {
            // A later use changes the moment of the last one only, which decides nothing.
            self.note(id);
        }
        api_token::Entity::update_many()
            .col_expr(api_token::Column::LastUsedAt, Expr::value(now.unix_millis()))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .exec(self.connection())
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
        Ok(self.update_value(id, generation, reused).filter(silent).exec(self.connection()).await?.rows_affected == 1)
    }

    /// Makes all of it durable; only then may it be told (R13). Whoever remembers what it changes, or waits for it, has been
    /// told when this returns.
    ///
    /// # Errors
    /// When the database fails. Whether the transaction took place is then not known.
    pub async fn commit(self) -> Result<(), Error> {
        let notes = self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        match self.inner {
            Inner::InTurn(turn) => Ok(turn.end(Some(notes)).await?),
            Inner::Alone(transaction, durable) => {
                // In a task of its own: a client that goes away must not keep what is durable from being told.
                let committed = tokio::spawn(commit_and_tell(transaction, durable, notes));
                committed.await.map_err(|err| DbErr::Conn(RuntimeErr::Internal(err.to_string())))?
            }
        }
    }

    /// Ends it as the outcome of its operation says: commits, or undoes it. Either way the outcome is told only once the
    /// facts that it rests on are durable (R13): on SQLite even a refusal may rest on what an operation did that shares the
    /// transaction, and that could still be lost.
    ///
    /// # Errors
    /// The operation's own, or that of the database.
    pub async fn settle<T, E: From<Error>>(self, outcome: Result<T, E>) -> Result<T, E> {
        match (outcome.is_ok(), self.inner) {
            (true, inner) => Self { inner, notes: self.notes }.commit().await?,
            (false, Inner::InTurn(turn)) => turn.end(None).await.map_err(Error::from)?,
            // What is seen in a transaction of one's own is durable already; dropping it is enough.
            (false, Inner::Alone(..)) => {}
        }
        outcome
    }

    /// Lets whatever is remembered of a token be read anew once this transaction is durable, although it changes nothing of it.
    pub fn forget(&self, id: TokenId) {
        self.note(id);
    }

    /// Notes that this transaction changes what is known of a token.
    pub(in crate::store) fn note(&self, id: TokenId) {
        self.notes().token(id);
    }

    /// The audit events that this transaction appends, so far.
    pub fn events(&self) -> Vec<Arc<AuditEvent>> {
        self.notes().events().to_vec()
    }

    /// Notes that this transaction appends an event to the audit log.
    pub(in crate::store) fn note_event(&self, event: &AuditEvent) {
        self.notes().event(Arc::new(event.clone()));
    }

    /// What other replicas are to be told so far, for a statement of this transaction that tells it.
    pub(in crate::store) fn untold(&self) -> Option<String> {
        self.notes().take_untold()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::store) fn connection(&self) -> &PoolTransaction {
        match &self.inner {
            Inner::Alone(transaction, _) => transaction,
            Inner::InTurn(turn) => turn.connection(),
        }
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

/// Commits a transaction of its own and tells of it, other replicas by a row that is committed with it: last, so that it is as
/// young as can be when they see it.
async fn commit_and_tell(transaction: PoolTransaction, durable: Durable, mut notes: Notes) -> Result<(), Error> {
    if let Some(ids) = notes.take_untold() {
        postgres::tell(&transaction, ids).await?;
    }
    let committed = transaction.commit().await;
    durable.reached(&committed, [notes]);
    Ok(committed?)
}
