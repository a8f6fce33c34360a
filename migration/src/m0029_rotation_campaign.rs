//! Rotation campaigns, and the tokens of each.
//!
//! The state of a token is not stored until its campaign ends. `generation` is that of the newest value that is old for the campaign, and
//! `refusal` why the token must not be revoked at the deadline. Each `…_through` is the last token that a step of the campaign has
//! finished, so that another replica goes on from there. No foreign key to the tokens: a report outlives what it speaks of.

use sea_orm_migration::prelude::*;

use crate::statements::{is_postgres, run};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0029_rotation_campaign_usable_from_m0011"
    }
}

// The few that have not ended.
const INDEX: &str = "CREATE INDEX rotation_campaign_open_idx ON rotation_campaign (id) WHERE ended_at IS NULL";

const DOWN: [&str; 2] = ["DROP TABLE rotation_campaign_token", "DROP TABLE rotation_campaign"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (collation, storage) = if is_postgres(manager) { ("COLLATE \"C\"", "") } else { ("", "WITHOUT ROWID") };
        let campaign = format!(
            "CREATE TABLE rotation_campaign (
                 id TEXT {collation} NOT NULL PRIMARY KEY,
                 name TEXT {collation},
                 filter TEXT {collation} NOT NULL,
                 deadline BIGINT NOT NULL,
                 at_deadline TEXT {collation} NOT NULL,
                 reason TEXT {collation} NOT NULL,
                 evidence_url TEXT {collation},
                 created_at BIGINT NOT NULL,
                 created_by TEXT {collation} NOT NULL,
                 prepared_through TEXT {collation},
                 prepared_at BIGINT,
                 watched_through TEXT {collation},
                 end_reason TEXT {collation},
                 ending_at BIGINT,
                 reported_through TEXT {collation},
                 ended_at BIGINT,
                 token_count BIGINT NOT NULL,
                 report TEXT {collation} NOT NULL,
                 CHECK ((end_reason IS NULL) = (ending_at IS NULL)),
                 CHECK (ended_at IS NULL OR ending_at IS NOT NULL)
             )"
        );
        let tokens = format!(
            "CREATE TABLE rotation_campaign_token (
                 campaign_id TEXT {collation} NOT NULL,
                 token_id TEXT {collation} NOT NULL,
                 generation BIGINT NOT NULL,
                 refusal TEXT {collation},
                 ended_as TEXT {collation},
                 PRIMARY KEY (campaign_id, token_id)
             ) {storage}"
        );
        run(manager.get_connection(), &[&campaign, &tokens, INDEX]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &DOWN).await
    }
}
