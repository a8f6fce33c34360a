//! Reading what a transaction is about to change, or rests on, and keeping others from it until the transaction ends.

use sea_orm::sea_query::LockType;
use sea_orm::{ConnectionTrait, DbBackend};

use crate::domain::id::TokenId;
use crate::domain::token::Token;

use crate::store::{Error, Transaction};

use super::find;
use super::read::Row;

/// What a transaction holds a token for. To hold it for more later would be to wait for others who do the same, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// It must stay as it is; others may rest on it too.
    Shared,
    /// It is to be changed.
    Exclusive,
}

impl Transaction {
    /// The token to change and, where another is given, the token to hold beside it, as they are once no other transaction is
    /// changing them. Both stay locked until this transaction ends. Locks are taken in the order of the ids, so that no
    /// deadlock is possible.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_to_change(
        &self,
        to_change: TokenId,
        other: Option<(TokenId, LockMode)>,
    ) -> Result<(Option<Token>, Option<Token>), Error> {
        let other_first = other.filter(|(id, _)| *id < to_change);
        let mut held = match other_first {
            Some((id, hold)) => self.find_and_lock(id, hold).await?,
            None => None,
        };
        let changed = self.find_and_lock(to_change, LockMode::Exclusive).await?;
        if let Some((id, hold)) = other.filter(|_| other_first.is_none()) {
            held = self.find_and_lock(id, hold).await?;
        }
        Ok((changed, held))
    }

    /// The token of this id, as it is once no other transaction is changing it. It stays locked until this transaction ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_and_lock(&self, id: TokenId, hold: LockMode) -> Result<Option<Token>, Error> {
        if self.connection().get_database_backend() == DbBackend::Sqlite {
            // It knows no row locks and needs none: its one writer holds them all.
            return self.find_token(id).await;
        }
        // Rows that had to be waited for are read as they are after the wait, those of the values too because they are
        // locked with it, but a value that was added meanwhile is not seen. It is then the current one, so without a
        // current value the token is read once more, under the lock that is now held.
        let lock = match hold {
            LockMode::Shared => LockType::Share,
            LockMode::Exclusive => LockType::Update,
        };
        let rows = find::rows(self.connection(), id, Some(lock)).await?;
        if rows.iter().any(|row| Row::read(row, 0).is_ok_and(|row| row.is_current())) {
            return find::only(&rows);
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
