//! Deleting users of values that were not seen for long.

use crate::domain::timestamp::Timestamp;
use crate::store::value_use::hour;
use crate::store::{Error, Store};

impl Store {
    /// Deletes up to `most` users that were last seen at this time or before; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_unseen_users(&self, since: Timestamp, most: u32) -> Result<u64, Error> {
        let (skip, moment) = (self.skip_locked("unseen"), since.unix_millis());
        self.sweep(&format!(
            "DELETE FROM api_token_value_user WHERE (token_id, generation, address, user_agent) IN (
                 SELECT token_id, generation, address, user_agent FROM api_token_value_user AS unseen
                 WHERE last_seen_hour <= {hour} AND last_seen_at <= {moment} LIMIT {most}{skip})",
            hour = hour(since)
        ))
        .await
    }
}
