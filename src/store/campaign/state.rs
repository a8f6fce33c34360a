//! The SQL of `domain::rule::campaign::state`. A test compares the two at every boundary.

use sea_orm::Value;

use crate::domain::id::{CampaignId, TokenId};
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;

/// The state of a member: as it was at the end of the campaign, or as it is now. Each `?` is the present.
const STATE: &str = "CASE WHEN member.ended_as IS NOT NULL THEN member.ended_as
    WHEN token.id IS NULL THEN 'GONE'
    WHEN token.revoked_at IS NOT NULL THEN 'REVOKED'
    WHEN token.expires_at <= ? THEN 'EXPIRED'
    WHEN token.rotation_period_minutes * 60000 + latest.created_at <= ? THEN 'ROTATION_OVERDUE'
    WHEN token.generation <= member.generation THEN 'WAITING'
    WHEN old.generation IS NULL THEN 'RETIRED'
    WHEN latest.first_used_at IS NULL THEN 'ROTATED'
    WHEN coalesce(old.first_used_at + token.silent_minutes * 60000 <= ?, true)
        AND coalesce(old.last_used_at + token.silent_minutes * 60000 <= ?, true) THEN 'OLD_VALUE_SILENT'
    ELSE 'NEW_VALUE_IN_USE' END";

/// Adds a SELECT of the columns `token_id`, `generation`, `refusal` and `state` of the next so many members after this token.
pub(super) fn select_members(sql: &mut Sql, campaign: CampaignId, after: Option<TokenId>, most: u32, now: Timestamp) {
    let now = || Value::from(now.unix_millis());
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    sql.push(
        &format!("SELECT member.token_id, member.generation, member.refusal, {STATE} AS state"),
        [now(), now(), now(), now()],
    );
    // With CROSS and LEFT, SQLite joins in the order in which the tables are written.
    sql.push(
        " FROM (SELECT * FROM rotation_campaign_token WHERE campaign_id = ? AND token_id > ? ORDER BY token_id LIMIT ?) AS member
          LEFT JOIN api_token AS token ON token.id = member.token_id
          LEFT JOIN api_token_value AS latest ON latest.token_id = token.id AND latest.generation = token.generation
          LEFT JOIN api_token_value AS old ON old.token_id = token.id AND old.generation = token.previous_generation
              AND old.generation <= member.generation AND (old.retires_at IS NULL OR old.retires_at > ?)",
        [campaign.to_string().into(), after.into(), Value::from(i64::from(most)), now()],
    );
}
