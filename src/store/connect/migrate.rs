//! Migrating the database, and checking whether it has the schema of this version. A newer version may have migrated it since.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use crate::store::write::group;
use crate::store::{Error, Store};

use super::postgres::index_build;
use super::schema::Schema;
use super::start_lock::StartLock;
use super::unusable;

impl Store {
    /// Checks that the database has our tables, even if migrations are missing.
    ///
    /// # Errors
    /// When it has none, or those of a newer version or of another program, or the database fails.
    pub async fn require_schema(&self) -> Result<(), Error> {
        let schema = Schema::find(&self.write).await.map_err(|err| self.unusable(&unusable::of_error(&err)))?;
        match unusable::of_schema(&schema) {
            Some(words) => Err(self.unusable(&words)),
            None if schema == Schema::Missing => Err(self.unusable(unusable::MISSING)),
            None => Ok(()),
        }
    }

    /// Applies the missing migrations, each in its own transaction, so that none holds locks while another runs. An index that takes
    /// long is built before, in no transaction. Replicas that start at the same time take turns.
    ///
    /// # Errors
    /// When the tables are those of a newer version or of another program, or a migration fails. A failed migration is rolled back;
    /// those before it stay.
    pub async fn migrate(&self) -> Result<(), Error> {
        match self.try_to_migrate().await {
            Ok(None) => Ok(()),
            Ok(Some(words)) => Err(self.unusable(&words)),
            Err(err) => Err(self.unusable(&unusable::of_error(&err))),
        }
    }

    fn unusable(&self, words: &str) -> Error {
        unusable::unusable(&self.place, words)
    }

    /// Migrates; returns the reason if the tables are not ours.
    async fn try_to_migrate(&self) -> Result<Option<String>, DbErr> {
        let mut lock = StartLock::new();
        loop {
            lock.next_attempt().await;
            let transaction = match self.write.get_database_backend() {
                DbBackend::Sqlite => group::begin(&self.write).await?,
                _ => self.write.begin_direct().await?,
            };
            if !lock.try_lock(&transaction).await? {
                transaction.rollback().await?;
                continue;
            }
            let schema = Schema::find(&transaction).await?;
            let words = unusable::of_schema(&schema);
            if words.is_some() || matches!(schema, Schema::Current | Schema::Ahead) {
                transaction.rollback().await?;
                if schema == Schema::Ahead {
                    tracing::warn!(
                        name: "schema_ahead",
                        "a newer version of Rotakey has migrated the database; this version can still use it"
                    );
                }
                return Ok(words);
            }
            // Without the statement timeout, because a migration may take longer.
            let transaction = transaction.into_direct()?;
            index_build::before_next_step(&self.write, &transaction).await?;
            Migrator::up(&transaction, Some(1)).await?;
            transaction.commit().await?;
        }
    }

    /// Whether this version can use the database: no migration of this version is missing, and none of a newer version excludes it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_usable_schema(&self) -> Result<bool, Error> {
        Ok(matches!(Schema::find(&self.read).await?, Schema::Current | Schema::Ahead))
    }
}
