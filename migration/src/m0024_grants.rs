//! What tokens are granted: a row for each scope and each permission, in which the tokens that have one are looked up, in the order of
//! their ids.
//!
//! Triggers keep it equal to the rows of the tokens, whichever version writes those. A token without scopes and permissions costs nothing.
//! No scope has a quote or a backslash, so a list of them becomes JSON by its spaces.
//!
//! On PostgreSQL every change to a token waits meanwhile; reading goes on.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0024_grants_usable_from_m0011"
    }
}

/// The rows of a token, whose columns have this prefix.
fn rows(token: &str, postgres: bool) -> String {
    let of = |column: &str, kind: &str| {
        if postgres {
            format!(
                "SELECT '{kind}:' || item, {token}.id FROM unnest(string_to_array({token}.{column}, ' ')) AS item WHERE {token}.{column} <> ''"
            )
        } else {
            format!(
                "SELECT '{kind}:' || item.value, {token}.id FROM json_each('[\"' || replace({token}.{column}, ' ', '\",\"') || '\"]') AS item
                 WHERE {token}.{column} <> ''"
            )
        }
    };
    format!("{} UNION ALL {}", of("scopes", "scope"), of("permissions", "permission"))
}

const TRIGGERS: [&str; 3] = ["api_token_grant_added", "api_token_grant_changed", "api_token_grant_removed"];

fn sqlite() -> Vec<String> {
    let insert = format!("INSERT INTO api_token_grant (granted, token_id) {};", rows("new", false));
    let delete = format!("DELETE FROM api_token_grant WHERE (granted, token_id) IN ({});", rows("old", false));
    let [added, changed, removed] = TRIGGERS;
    vec![
        "CREATE TABLE api_token_grant (granted TEXT NOT NULL, token_id TEXT NOT NULL, PRIMARY KEY (granted, token_id)) WITHOUT ROWID".into(),
        format!(
            "CREATE TRIGGER {added} AFTER INSERT ON api_token WHEN new.scopes <> '' OR new.permissions <> '' BEGIN {insert} END"
        ),
        format!(
            "CREATE TRIGGER {changed} AFTER UPDATE OF scopes, permissions ON api_token
             WHEN new.scopes <> old.scopes OR new.permissions <> old.permissions BEGIN {delete} {insert} END"
        ),
        format!(
            "CREATE TRIGGER {removed} AFTER DELETE ON api_token WHEN old.scopes <> '' OR old.permissions <> '' BEGIN {delete} END"
        ),
        "INSERT INTO api_token_grant (granted, token_id)
         SELECT 'scope:' || item.value, api_token.id FROM api_token CROSS JOIN json_each('[\"' || replace(scopes, ' ', '\",\"') || '\"]') AS item
         WHERE scopes <> ''
         UNION ALL SELECT 'permission:' || item.value, api_token.id FROM api_token
         CROSS JOIN json_each('[\"' || replace(permissions, ' ', '\",\"') || '\"]') AS item WHERE permissions <> '' ORDER BY 1, 2".into(),
    ]
}

fn postgres() -> Vec<String> {
    let [added, changed, removed] = TRIGGERS;
    let trigger = |name: &str, when: &str, condition: &str| {
        format!(
            "CREATE TRIGGER {name} AFTER {when} ON api_token FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION api_token_grant_keep()"
        )
    };
    vec![
        "CREATE TABLE api_token_grant (granted TEXT COLLATE \"C\" NOT NULL, token_id TEXT COLLATE \"C\" NOT NULL, PRIMARY KEY (granted, token_id))".into(),
        format!(
            "CREATE FUNCTION api_token_grant_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF TG_OP <> 'INSERT' THEN
                     DELETE FROM api_token_grant WHERE (granted, token_id) IN ({old});
                 END IF;
                 IF TG_OP <> 'DELETE' THEN
                     INSERT INTO api_token_grant (granted, token_id) {new};
                 END IF;
                 RETURN NULL;
             END $$",
            old = rows("OLD", true),
            new = rows("NEW", true)
        ),
        trigger(added, "INSERT", "NEW.scopes <> '' OR NEW.permissions <> ''"),
        trigger(changed, "UPDATE OF scopes, permissions", "NEW.scopes <> OLD.scopes OR NEW.permissions <> OLD.permissions"),
        trigger(removed, "DELETE", "OLD.scopes <> '' OR OLD.permissions <> ''"),
        "INSERT INTO api_token_grant (granted, token_id)
         SELECT 'scope:' || item, id FROM api_token CROSS JOIN unnest(string_to_array(scopes, ' ')) AS item WHERE scopes <> ''
         UNION ALL
         SELECT 'permission:' || item, id FROM api_token CROSS JOIN unnest(string_to_array(permissions, ' ')) AS item WHERE permissions <> ''".into(),
        "ANALYZE api_token_grant".into(),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in if is_postgres(manager) { postgres() } else { sqlite() } {
            run(manager.get_connection(), &[&statement]).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = if is_postgres(manager) { " ON api_token" } else { "" };
        for trigger in TRIGGERS {
            run(manager.get_connection(), &[&format!("DROP TRIGGER {trigger}{table}")]).await?;
        }
        if is_postgres(manager) {
            run(manager.get_connection(), &["DROP FUNCTION api_token_grant_keep()"]).await?;
        }
        run(manager.get_connection(), &["DROP TABLE api_token_grant"]).await
    }
}
