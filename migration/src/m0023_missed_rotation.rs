//! Keeps the time at which a token became overdue, as its sort key. Housekeeping removes it from the value, so that it does not find the
//! value again.
//!
//! This is a trigger, so that it also holds for the housekeeping of an older version. Nothing else writes `overdue_at` of a value that
//! exists.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0023_missed_rotation_usable_from_m0011"
    }
}

const SQLITE: [&str; 1] = ["CREATE TRIGGER api_token_value_overdue AFTER UPDATE OF overdue_at ON api_token_value
     WHEN new.overdue_at IS NULL AND old.overdue_at IS NOT NULL BEGIN
         UPDATE api_token_sort_key SET rotate_by = old.overdue_at WHERE token_id = old.token_id;
     END"];

const POSTGRES: [&str; 2] = [
    "CREATE FUNCTION api_token_value_overdue() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         UPDATE api_token_sort_key SET rotate_by = OLD.overdue_at WHERE token_id = OLD.token_id;
         RETURN NULL;
     END $$",
    "CREATE TRIGGER api_token_value_overdue AFTER UPDATE OF overdue_at ON api_token_value FOR EACH ROW
         WHEN (NEW.overdue_at IS NULL AND OLD.overdue_at IS NOT NULL) EXECUTE FUNCTION api_token_value_overdue()",
];

const DOWN_SQLITE: [&str; 1] = ["DROP TRIGGER api_token_value_overdue"];

const DOWN_POSTGRES: [&str; 2] =
    ["DROP TRIGGER api_token_value_overdue ON api_token_value", "DROP FUNCTION api_token_value_overdue()"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements: &[&str] = if is_postgres(manager) { &POSTGRES } else { &SQLITE };
        run(manager.get_connection(), statements).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements: &[&str] = if is_postgres(manager) { &DOWN_POSTGRES } else { &DOWN_SQLITE };
        run(manager.get_connection(), statements).await
    }
}
