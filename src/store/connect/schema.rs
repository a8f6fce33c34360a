//! Which schema a database has, checked before anything is written to it.

use migration::{Migrator, MigratorTrait, is_usable_after};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// The table of the migrations that have been applied.
const MIGRATIONS: &str = "seaql_migrations";
/// The names of our tables. On PostgreSQL, other programs may have tables in the same schema, but not with these names.
const OURS: [&str; 8] = [
    "api_token",
    "api_token_grant",
    "api_token_metadata",
    "api_token_sort_key",
    "api_token_value",
    "api_token_value_user",
    "audit_event",
    "change",
];

/// The schema that a database has.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) enum Schema {
    /// It has no tables of ours.
    Missing,
    /// It has our tables, and some migrations of this version are missing.
    Behind,
    /// It has the schema of this version.
    Current,
    /// A newer version has applied migrations, after which this version can still use the database.
    Ahead,
    /// A newer version has applied this migration, after which this version cannot use the database.
    Newer(String),
    /// This table belongs to another program.
    Foreign(String),
}

impl Schema {
    pub(in crate::store) async fn find(connection: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let backend = connection.get_database_backend();
        let tables = texts(
            connection,
            match backend {
                DbBackend::Sqlite => {
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                }
                _ => "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
            },
        )
        .await?;
        let applied = if tables.iter().any(|table| table == MIGRATIONS) {
            texts(connection, "SELECT version FROM seaql_migrations ORDER BY version").await?
        } else {
            Vec::new()
        };
        let known: Vec<String> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
        Ok(judge(tables, applied, &known, backend == DbBackend::Sqlite))
    }
}

/// The schema, by its tables and migrations. `exclusive` means that no other program may have tables in it.
fn judge(tables: Vec<String>, applied: Vec<String>, known: &[String], exclusive: bool) -> Schema {
    let is_ours = applied.iter().any(|version| known.contains(version));
    if is_ours {
        let newer = || applied.iter().filter(|version| !known.contains(version));
        let is_complete = known.iter().all(|version| applied.contains(version));
        // A newer version applies all migrations of this one first. No version of ours leaves any other state.
        let unusable = newer().find(|version| !is_complete || !is_usable_after(version, known));
        return match (unusable, newer().next()) {
            (Some(version), _) => Schema::Newer(version.clone()),
            (None, Some(_)) => Schema::Ahead,
            (None, None) if is_complete => Schema::Current,
            (None, None) => Schema::Behind,
        };
    }
    if !applied.is_empty() {
        return Schema::Foreign(MIGRATIONS.to_owned());
    }
    let foreign = |table: &String| if exclusive { table != MIGRATIONS } else { OURS.contains(&table.as_str()) };
    tables.into_iter().find(foreign).map_or(Schema::Missing, Schema::Foreign)
}

async fn texts(connection: &impl ConnectionTrait, sql: &str) -> Result<Vec<String>, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_all_raw(statement).await?.iter().map(|row| row.try_get_by_index(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of a newer version.
    const EXPANDED: &str = "m3_expanded_usable_from_m2";
    const CONTRACTED: &str = "m4_contracted_usable_from_m3";

    #[test]
    fn the_tables_of_this_version_of_another_version_and_of_another_program_are_distinguished() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let known = list(&["m1", "m2"]);
        let foreign = |table: &str| Schema::Foreign(table.to_owned());
        let newer = |version: &str| Schema::Newer(version.to_owned());
        for (tables, applied, on_file, on_server) in [
            (list(&[]), list(&[]), Schema::Missing, Schema::Missing),
            (list(&[MIGRATIONS]), list(&[]), Schema::Missing, Schema::Missing),
            (list(&["api_token", MIGRATIONS]), list(&["m1"]), Schema::Behind, Schema::Behind),
            (list(&["api_token", MIGRATIONS]), list(&["m1", "m2"]), Schema::Current, Schema::Current),
            (list(&[MIGRATIONS]), list(&["m1", "m2", "m3"]), newer("m3"), newer("m3")),
            (list(&[MIGRATIONS]), list(&["m1", "m2", EXPANDED]), Schema::Ahead, Schema::Ahead),
            // One of several is enough.
            (list(&[MIGRATIONS]), list(&["m1", "m2", EXPANDED, "m4"]), newer("m4"), newer("m4")),
            (list(&[MIGRATIONS]), list(&["m1", "m2", EXPANDED, CONTRACTED]), newer(CONTRACTED), newer(CONTRACTED)),
            (list(&[MIGRATIONS]), list(&["m1", EXPANDED]), newer(EXPANDED), newer(EXPANDED)),
            (list(&[MIGRATIONS]), list(&["m20220101"]), foreign(MIGRATIONS), foreign(MIGRATIONS)),
            (list(&["cakes"]), list(&[]), foreign("cakes"), Schema::Missing),
            (list(&["audit_event"]), list(&[]), foreign("audit_event"), foreign("audit_event")),
        ] {
            assert_eq!(judge(tables.clone(), applied.clone(), &known, true), on_file, "{tables:?} {applied:?}");
            assert_eq!(judge(tables.clone(), applied.clone(), &known, false), on_server, "{tables:?} {applied:?}");
        }
    }
}
