//! Reading how values are used: from the database, and from the buffer of this replica. What other replicas have not written yet is
//! missing, for at most a minute.

use std::collections::BTreeMap;

use crate::domain::id::TokenId;
use crate::domain::rule::authority::Authority;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{OverlapEnd, Permission, Token};
use crate::domain::value_use::{Asked, USER_RETENTION_MINUTES, ValueUse};
use crate::service::{Caller, Error, Service};
use crate::store::Transaction;

impl Service {
    /// How each of these values is used, by token and generation, with the users of the last 24 hours if they are asked for (R14). One's own token needs no
    /// permission, another's `API_TOKEN_READ`. A value that does not exist is left out.
    ///
    /// # Errors
    /// When the caller may not, or the database fails.
    pub async fn value_uses(
        &self,
        caller: &Caller,
        values: &[(TokenId, u32)],
        asked: Asked,
    ) -> Result<BTreeMap<(TokenId, u32), ValueUse>, Error> {
        let now = self.now();
        let own = self.own_token(caller, now).await?;
        let authority = Authority::of(&own);
        values.iter().try_for_each(|(id, _)| authority.require_unless_own(Permission::ApiTokenRead, *id))?;
        self.find_value_uses(values, asked, None, now).await
    }

    /// How each of these values is used. The use that this value was written to have is that of the request itself, and does not count.
    pub(crate) async fn find_value_uses(
        &self,
        values: &[(TokenId, u32)],
        asked: Asked,
        first_used_by_request: Option<(TokenId, u32)>,
        now: Timestamp,
    ) -> Result<BTreeMap<(TokenId, u32), ValueUse>, Error> {
        let seen_since = (asked == Asked::Users).then(|| now.minus_minutes(USER_RETENTION_MINUTES));
        let written = self.store.find_value_uses(values, seen_since);
        let (mut buffered, mut found) = self.uses.and_written(|uses| uses.of_values(values), written).await?;
        for (value, known) in &mut found {
            if first_used_by_request == Some(*value) {
                known.last_used_at = None;
            }
            known.add_all(buffered.remove(value).unwrap_or_default());
        }
        Ok(found)
    }

    /// When a value was last used, as far as this replica knows: as it was written, also by other replicas, or later. What they have not
    /// written yet is missing, for at most a minute.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_use_of_value(
        &self,
        transaction: &Transaction,
        (id, generation): (TokenId, u32),
    ) -> Result<Option<Timestamp>, Error> {
        let written = transaction.last_use_of_value(id, generation);
        let (buffered, written) = self.uses.and_written(|uses| uses.latest_of_value((id, generation)), written).await?;
        Ok(written.max(buffered))
    }

    /// A last use, as late as it may have been: if the clock was set since then, it is not known how long ago that was (R15).
    pub(super) fn latest_possible(&self, last_used_at: Option<Timestamp>) -> Option<Timestamp> {
        last_used_at.map(|at| self.time.set_at().map_or(at, |set_at| at.max(set_at)))
    }

    /// Adds to what was read of the previous value, if its overlap may end by silence (R15), a use that is not written yet.
    pub(crate) fn add_buffered_use(&self, token: &mut Token) {
        let ends = token.settings.overlap_ends == OverlapEnd::WhenSilent;
        if let Some(previous) = token.previous.as_mut().filter(|_| ends) {
            let buffered = self.uses.latest_of_value((token.id, previous.generation));
            previous.last_used_at = previous.last_used_at.max(buffered);
        }
    }
}
