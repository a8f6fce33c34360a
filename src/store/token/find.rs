//! Finding tokens, by id and by the hash of a presented value.
//!
//! A token and its values are read in one statement, because one statement is one snapshot. Two statements could read before and
//! after a rotation, and show a token that never existed.

use std::sync::LazyLock;

use sea_orm::sea_query::LockType;
use sea_orm::{ConnectionTrait, QueryResult, Statement};

use crate::domain::id::TokenId;
use crate::domain::token::Token;
use crate::domain::value::ValueHash;

use crate::store::{Error, Store};

use super::hash_lookup;
use super::read::{self, Row};

/// Reads a token by id with its values: without a lock, with an exclusive lock, and with a shared lock.
static BY_ID: LazyLock<[String; 3]> = LazyLock::new(|| {
    ["", " FOR UPDATE", " FOR SHARE"].map(|lock| {
        format!(
            "SELECT {columns} FROM api_token JOIN api_token_value ON {values} WHERE api_token.id = $1{lock}",
            columns = *read::COLUMNS,
            values = read::JOIN_VALUES
        )
    })
});

impl Store {
    /// The token of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_token(&self, id: TokenId) -> Result<Option<Token>, Error> {
        find(&self.read, id).await
    }

    /// The token that has or had the value with this hash, and the generation of the value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_by_hash(&self, hash: &ValueHash) -> Result<Option<(Token, u32)>, Error> {
        match &self.lookups {
            Some(lookups) => lookups.find(hash).await,
            None => hash_lookup::find(&self.read, hash).await,
        }
    }
}

pub(in crate::store) async fn find<C: ConnectionTrait>(connection: &C, id: TokenId) -> Result<Option<Token>, Error> {
    only(&rows(connection, id, None).await?)
}

/// The rows of a token and its values, locked if a lock is given.
pub(in crate::store) async fn rows<C: ConnectionTrait>(
    connection: &C,
    id: TokenId,
    lock: Option<LockType>,
) -> Result<Vec<QueryResult>, Error> {
    let [plain, for_update, for_share] = &*BY_ID;
    let sql = match lock {
        None => plain,
        Some(LockType::Update) => for_update,
        Some(_) => for_share,
    };
    let backend = connection.get_database_backend();
    Ok(connection.query_all_raw(Statement::from_sql_and_values(backend, sql, [id.to_string().into()])).await?)
}

/// The one token that these rows belong to.
pub(in crate::store) fn only(rows: &[QueryResult]) -> Result<Option<Token>, Error> {
    Ok(read::tokens(rows.iter().map(|row| Row::read(row, 0)))?.pop())
}
