//! `reportLeakedValue`: whoever has found a value says so, and its token is dealt with by its `onLeak`.
//!
//! Anyone may report. The answer is the same, and takes the same time, whether or not the text is a value of ours and whatever becomes of
//! it: a report must not be a way to ask. What is no value is neither kept nor logged.

use std::time::Duration;

use crate::domain::audit::{Action, Provenance};
use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::notice::NoticeKind;
use crate::domain::reason::{Reason, evidence};
use crate::domain::rule::rotation::leak::{LeakResponse, respond};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token};
use crate::domain::value::foreign::Presentable;
use crate::store::Transaction;

use super::audit::report;
use super::{Caller, Error, RequestContext, Service};

/// The longest text that is taken for a value, in bytes.
pub const MAX_REPORTED_BYTES: usize = 4_096;
/// When the answer is given. A report is handled by then, unless the database is slow.
const ANSWERED_AFTER: Duration = Duration::from_millis(200);
/// The least time between two records of one value, in seconds.
const RESOLUTION_SECONDS: u32 = 60;

/// A value that has leaked. It cannot be printed (R9).
pub struct LeakReport {
    /// The value as it was found.
    pub value: String,
    /// Where it was found.
    pub url: Option<String>,
}

/// Who reports, and where they found the value, as the audit log keeps it.
struct Report {
    actor: Option<Actor>,
    provenance: Provenance,
    reason: Reason,
}

impl Service {
    /// Handles the report of a value that has leaked, by anyone.
    ///
    /// # Errors
    /// When the text or the address cannot be read, the caller no longer works, too many unknown values are reported, or the database fails.
    pub async fn report_leak(
        &self,
        caller: Option<&Caller>,
        context: &RequestContext<'_>,
        LeakReport { value, url }: LeakReport,
    ) -> Result<(), Error> {
        let now = self.now();
        let value = value.trim();
        if value.is_empty() || value.len() > MAX_REPORTED_BYTES {
            let message = format!("The value must be given, as it was found, with at most {MAX_REPORTED_BYTES} bytes.");
            return Err(InvalidInput::new("value", message).into());
        }
        let evidence_url = url.as_deref().map(|url| evidence("url", url)).transpose()?;
        if let Some(caller) = caller {
            self.own_token(caller, now).await?;
        }
        let mut provenance = context.provenance();
        if caller.is_none() {
            // A stranger, whose address is recorded no more precisely than that of a user.
            provenance.address = self.policy.recorded_addresses.address(provenance.address);
        }
        let actor = caller.map(|caller| Actor::ApiToken(caller.token_id()));
        let report = Report { actor, provenance, reason: Reason { text: None, evidence_url } };
        #[expect(clippy::disallowed_methods, reason = "nothing is waited for: the time of the answer must say nothing")]
        let answered_at = tokio::time::sleep(ANSWERED_AFTER);
        let (handled, ()) = tokio::join!(self.handle_leak(value, &report, now), answered_at);
        handled
    }

    async fn handle_leak(&self, text: &str, report: &Report, now: Timestamp) -> Result<(), Error> {
        let Some((seen, generation)) = self.find_leaked(text, now).await? else { return Ok(()) };
        let value = (seen.id, generation);
        // A report that is repeated again and again must not block other writers.
        if respond(&seen, generation, now).is_none() && self.leaks.is_recent(&value, now) {
            return Ok(());
        }
        self.retry_on_full_disk(|| self.write_leak(value, report, now)).await?;
        self.leaks.allows(value, now);
        Ok(())
    }

    /// The token that has or had this value. It is looked up whatever is cached, so that an answer does not depend on it, and nothing about
    /// it is cached.
    async fn find_leaked(&self, text: &str, now: Timestamp) -> Result<Option<(Token, u32)>, Error> {
        let Some(Presentable { hash, others, .. }) = self.foreign_formats.present(text) else { return Ok(None) };
        for hash in std::iter::once(hash).chain(others.into_iter().rev()) {
            let lookup = self.leak_lookups.begin(now).ok_or(Error::TooManyUnknownValues)?;
            if let Some(found) = self.store.find_by_hash(&hash).await? {
                lookup.give_back();
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn write_leak(&self, value: (TokenId, u32), leak: &Report, now: Timestamp) -> Result<(), Error> {
        let transaction = self.store.begin_urgent().await?;
        let written = self.write_leak_in(&transaction, value, leak, now).await;
        let events = transaction.events();
        transaction.finish(written).await?;
        events.iter().for_each(|event| report(event));
        Ok(())
    }

    async fn write_leak_in(
        &self,
        transaction: &Transaction,
        (id, generation): (TokenId, u32),
        leak: &Report,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (Some(mut token), _) = transaction.find_to_change(id, None).await? else { return Ok(()) };
        let minute_ago = now.minus_seconds(RESOLUTION_SECONDS);
        if !transaction.has_event_after(Action::LeakReported, (id, generation), minute_ago).await? {
            let by = (Actor::System, leak.provenance.clone());
            let mut event = self.change(Action::LeakReported, by, (id, generation), now)?;
            (event.actor, event.reason) = (leak.actor, leak.reason.clone());
            transaction.append(&event).await?;
            self.announce(transaction, NoticeKind::Leaked, &token, &event).await?;
        }
        let by = (Actor::System, leak.provenance.clone());
        match respond(&token, generation, now) {
            Some(LeakResponse::Retire(retiring)) => self.retire_at_once(transaction, &token, &retiring, by, now).await,
            Some(LeakResponse::Revoke) => {
                self.write_revocation(transaction, &mut token, (by, generation), leak.reason.clone(), now).await
            }
            None => Ok(()),
        }
    }
}
