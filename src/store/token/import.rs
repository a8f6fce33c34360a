//! Adding many tokens whose values were issued elsewhere, in few statements.

use sea_orm::ActiveValue::Set;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Statement};

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle;
use crate::domain::token::{ImportFingerprint, Token};
use crate::domain::value::ValueHash;
use crate::store::entity::{api_token, api_token_value, audit_event};
use crate::store::sql::Sql;
use crate::store::{Error, Store, Transaction, audit};

use super::columns;

/// How many rows one statement writes or looks up. Each has about thirty values, and SQLite takes 32,766 in one statement.
const ROWS: usize = 250;
/// The key of an advisory lock: any constant that no other lock of Rotakey uses.
const IMPORT_LOCK: i64 = 0x726f_7461_6b65_7904;

/// A value that was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportedValue {
    /// The hash by which it is found.
    pub hash: ValueHash,
    /// Its token.
    pub token_id: TokenId,
    /// What was given when it was imported.
    pub fingerprint: Option<ImportFingerprint>,
}

impl Store {
    /// Those of these values that were imported, in no particular order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_imported(&self, hashes: &[ValueHash]) -> Result<Vec<ImportedValue>, Error> {
        find_imported(&self.read, hashes).await
    }
}

impl Transaction {
    /// As [`Store::find_imported`]. No other transaction imports until this one ends, so that a value is not imported twice.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_imported_and_lock(&self, hashes: &[ValueHash]) -> Result<Vec<ImportedValue>, Error> {
        let connection = self.connection();
        // SQLite has one writer.
        if connection.get_database_backend() == DbBackend::Postgres {
            let lock = format!("SELECT pg_advisory_xact_lock({IMPORT_LOCK})");
            connection.execute_raw(Statement::from_string(DbBackend::Postgres, lock)).await?;
        }
        find_imported(connection, hashes).await
    }

    /// Adds tokens with their imported values, and the events of that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_imported(
        &self,
        tokens: &[(Token, ImportFingerprint)],
        events: &[AuditEvent],
    ) -> Result<(), Error> {
        let connection = self.connection();
        // No row may leave out a column that another row of the statement has.
        let token_row = |token: &Token| api_token::ActiveModel {
            swept_status: Set(lifecycle::status(token, token.created_at).as_str().to_owned()),
            ..api_token::row(token)
        };
        let value_row = |token: &Token, fingerprint: &ImportFingerprint| api_token_value::ActiveModel {
            import_fingerprint: Set(Some(fingerprint.0.to_vec())),
            ..api_token_value::row(token.id, &token.current, token.rotate_by())
        };
        for tokens in tokens.chunks(ROWS) {
            let rows = tokens.iter().map(|(token, _)| token_row(token));
            api_token::Entity::insert_many(rows).exec_without_returning(connection).await?;
            let rows = tokens.iter().map(|(token, fingerprint)| value_row(token, fingerprint));
            api_token_value::Entity::insert_many(rows).exec_without_returning(connection).await?;
        }
        for events in events.chunks(ROWS) {
            let rows = events.iter().map(audit::row);
            audit_event::Entity::insert_many(rows).exec_without_returning(connection).await?;
            events.iter().for_each(|event| self.add_event(event));
        }
        // Nothing is cached of tokens that did not exist, so they are not announced as changed.
        Ok(())
    }
}

async fn find_imported<C: ConnectionTrait>(connection: &C, hashes: &[ValueHash]) -> Result<Vec<ImportedValue>, Error> {
    let mut found = Vec::new();
    for hashes in hashes.chunks(ROWS) {
        let mut sql = Sql::new(connection.get_database_backend());
        sql.text("SELECT hash, token_id, import_fingerprint FROM api_token_value WHERE hash IN (");
        for (number, hash) in hashes.iter().enumerate() {
            sql.push(if number == 0 { "?" } else { ", ?" }, [hash.0.to_vec().into()]);
        }
        sql.text(")");
        for row in connection.query_all_raw(sql.statement()).await? {
            let unreadable = || Error::Unreadable("an imported value".to_owned());
            let bytes = |bytes: Vec<u8>| bytes.try_into().map_err(|_| unreadable());
            let fingerprint: Option<Vec<u8>> = row.try_get_by_index(2)?;
            found.push(ImportedValue {
                hash: ValueHash(bytes(row.try_get_by_index(0)?)?),
                token_id: columns::token_id(&row.try_get_by_index::<String>(1)?)?,
                fingerprint: fingerprint.map(bytes).transpose()?.map(ImportFingerprint),
            });
        }
    }
    Ok(found)
}
