//! Finding tokens, by id and by the hash of a presented value.
//!
//! A token and its values are read in one statement, because one statement is one snapshot. Two statements could read before and
//! after a rotation, and show a token that never existed.

use std::sync::LazyLock;

use sea_orm::sea_query::LockType;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::domain::id::TokenId;
use crate::domain::token::Token;
use crate::domain::value::ValueHash;

use crate::store::{Error, Store};

use super::hash_lookup;
use super::read::{self, TokenRows};

/// Reads a token by id with its values, on SQLite.
static BY_ID_ON_SQLITE: LazyLock<String> = LazyLock::new(|| by_id(DbBackend::Sqlite, ""));
/// The same on PostgreSQL: without a lock, with an exclusive lock, and with a shared lock.
static BY_ID: LazyLock<[String; 3]> =
    LazyLock::new(|| ["", " FOR UPDATE", " FOR SHARE"].map(|lock| by_id(DbBackend::Postgres, lock)));

fn by_id(backend: DbBackend, lock: &str) -> String {
    format!(
        "{select} FROM api_token JOIN api_token_value ON {values} WHERE api_token.id = $1{lock}",
        select = read::select(backend),
        values = read::JOIN_VALUES
    )
}

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
    Ok(rows(connection, id, None).await?.read()?.tokens()?.pop())
}

/// The rows of a token and its values, locked if a lock is given, which only PostgreSQL has.
pub(in crate::store) async fn rows<C: ConnectionTrait>(
    connection: &C,
    id: TokenId,
    lock: Option<LockType>,
) -> Result<TokenRows, Error> {
    let backend = connection.get_database_backend();
    let [plain, for_update, for_share] = &*BY_ID;
    let sql = match lock {
        _ if backend == DbBackend::Sqlite => &*BY_ID_ON_SQLITE,
        None => plain,
        Some(LockType::Update) => for_update,
        Some(_) => for_share,
    };
    let statement = Statement::from_sql_and_values(backend, sql, [id.to_string().into()]);
    Ok(TokenRows::query(connection, statement).await?)
}
