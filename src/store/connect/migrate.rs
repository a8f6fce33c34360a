//! Whether the schema of the database is still the one that this version was built for. A newer version may have migrated it since.

use std::collections::BTreeSet;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Statement};

use crate::store::{Error, Store};

impl Store {
    /// Whether the migrations that were applied are exactly those that this version knows.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn has_current_schema(&self) -> Result<bool, Error> {
        let sql = "SELECT version FROM seaql_migrations";
        let rows = self.read.query_all_raw(Statement::from_string(self.read.get_database_backend(), sql)).await?;
        let applied: BTreeSet<String> = rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>()?;
        Ok(applied == Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect())
    }
}
