//! Locking the tokens that a transaction changes or depends on, until it ends.

use sea_orm::sea_query::LockType;
use sea_orm::{ConnectionTrait, DbBackend};

use crate::domain::id::TokenId;
use crate::domain::token::Token;

use crate::store::{Error, Transaction};

use super::find;
use super::read::Row;

/// How a transaction locks a token. Choose once: two transactions that both upgraded a shared lock would wait for each other
/// forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// No other transaction may change the token. Other transactions can also hold a shared lock on it.
    Shared,
    /// This transaction may change the token.
    Exclusive,
}

impl Transaction {
    /// Locks and reads the token to change and, if given, another token that the change depends on. Both stay locked until this
    /// transaction ends. Locks are taken in the order of the ids, so there is no deadlock.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_to_change(
        &self,
        to_change: TokenId,
        other: Option<(TokenId, LockMode)>,
    ) -> Result<(Option<Token>, Option<Token>), Error> {
        let other_first = other.filter(|(id, _)| *id < to_change);
        let mut locked_other = match other_first {
            Some((id, mode)) => self.find_and_lock(id, mode).await?,
            None => None,
        };
        let changed = self.find_and_lock(to_change, LockMode::Exclusive).await?;
        if let Some((id, mode)) = other.filter(|_| other_first.is_none()) {
            locked_other = self.find_and_lock(id, mode).await?;
        }
        Ok((changed, locked_other))
    }

    /// Locks and reads the token of this id. It stays locked until this transaction ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_and_lock(&self, id: TokenId, mode: LockMode) -> Result<Option<Token>, Error> {
        if self.connection().get_database_backend() == DbBackend::Sqlite {
            // SQLite has no row locks and needs none, because there is one writer.
            return self.find_token(id).await;
        }
        // If this waits for a lock, PostgreSQL returns the locked rows as they are after the wait, but not a value that was added
        // in the meantime. That is then the current value. So if there is no current value, the token is read again, under the lock
        // that is now held.
        let lock = match mode {
            LockMode::Shared => LockType::Share,
            LockMode::Exclusive => LockType::Update,
        };
        let rows = find::rows(self.connection(), id, Some(lock)).await?;
        let rows = rows.read()?;
        if rows.iter().any(|columns| Row::read(columns).is_ok_and(|row| row.is_current())) {
            return Ok(rows.tokens()?.pop());
        }
        self.find_token(id).await
    }

    /// The token of this id, as it is now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_token(&self, id: TokenId) -> Result<Option<Token>, Error> {
        find::find(self.connection(), id).await
    }
}
