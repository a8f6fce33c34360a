//! `reportLeakedValue`: whoever has found a value says so, and its token is dealt with by its `onLeak`.
//!
//! Anyone may report. The answer is the same, and not given earlier, whether or not the text is a value of ours and whatever becomes of it:
//! a report must not be a way to ask. What is no value is neither kept nor logged.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::domain::audit::{Action, Provenance};
use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::notice::NoticeKind;
use crate::domain::reason::{Reason, evidence};
use crate::domain::rule::rotation::leak::{LeakResponse, respond, works};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token, TokenKind};
use crate::domain::value::foreign::Presentable;
use crate::domain::value::values_in;
use crate::store::Transaction;

use super::audit::report;
use super::{Caller, Error, RequestContext, Service};

/// The longest text that is taken for a value, in bytes.
pub const MAX_REPORTED_BYTES: usize = 4_096;
/// When the answer is given. A report is handled by then, unless the database is slow.
const ANSWERED_AFTER: Duration = Duration::from_millis(200);
/// The least time between two records of one value, in seconds.
const RESOLUTION_SECONDS: u32 = 60;
/// How many reports of values of one token that no longer work are recorded in that time. A holder can have as many values as they like,
/// and report all of them.
const MAX_RECORDED: usize = 10;
/// How far ahead of this clock an event may be, in seconds, and still count as recorded.
const CLOCK_TOLERANCE_SECONDS: u32 = 10;
/// How many values in one text are looked up.
const MAX_VALUES: usize = 10;

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
        if url.is_some_and(|url| url.contains(value) || percent_decode_str(&url).decode_utf8_lossy().contains(value)) {
            return Err(InvalidInput::new("url", "The url must not contain the value, because it is kept.").into());
        }
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

    /// Handles the text if it is a value, and each value of ours in it. If one cannot be handled, the others are.
    async fn handle_leak(&self, text: &str, report: &Report, now: Timestamp) -> Result<(), Error> {
        let mut values: Vec<&str> = Vec::new();
        for value in
            std::iter::once(text).filter(|text| self.foreign_formats.present(text).is_some()).chain(values_in(text))
        {
            if values.len() < MAX_VALUES && !values.contains(&value) {
                values.push(value);
            }
        }
        let mut failure = None;
        for value in values {
            failure = failure.or(self.handle_leaked_value(value, report, now).await.err());
        }
        failure.map_or(Ok(()), Err)
    }

    async fn handle_leaked_value(&self, text: &str, report: &Report, now: Timestamp) -> Result<(), Error> {
        let Some((seen, generation)) = self.find_leaked(text, report, now).await? else { return Ok(()) };
        // The value of a public token is no secret.
        if seen.settings.kind == TokenKind::Public {
            return Ok(());
        }
        let value = (seen.id, generation);
        if respond(&seen, generation, now).is_some() {
            // Urgent, because it cuts off whoever has the value.
            let write = || async move { self.write_leak(self.store.begin_urgent().await?, value, report, now).await };
            return self.retry_on_full_disk(write).await.map(drop);
        }
        // Reports that are repeated again and again must not block other writers.
        let (this, old) = ((seen.id, Some(generation)), (seen.id, None));
        let is_old = !works(&seen, generation, now);
        if self.leaks.is_recent(&this, now) || (is_old && self.leaks.is_recent(&old, now)) {
            return Ok(());
        }
        let is_full = self.write_leak(self.store.begin().await?, value, report, now).await?;
        // Only now: what is not recorded must not be taken for recorded.
        self.leaks.allows(if is_full { old } else { this }, now);
        Ok(())
    }

    /// The token that has or had this value. It is looked up whatever is cached, so that an answer does not depend on it, and nothing about
    /// it is cached.
    async fn find_leaked(&self, text: &str, report: &Report, now: Timestamp) -> Result<Option<(Token, u32)>, Error> {
        let lookups = if report.actor.is_some() { &self.leak_lookups.callers } else { &self.leak_lookups.strangers };
        let Some(Presentable { hash, others, .. }) = self.foreign_formats.present(text) else { return Ok(None) };
        for hash in std::iter::once(hash).chain(others.into_iter().rev()) {
            lookups.begin(now).ok_or(Error::TooManyUnknownValues)?;
            if let Some(found) = self.store.find_by_hash(&hash).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Returns whether enough of this token is recorded for now.
    async fn write_leak(
        &self,
        transaction: Transaction,
        value: (TokenId, u32),
        leak: &Report,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let written = self.write_leak_in(&transaction, value, leak, now).await;
        let events = transaction.events();
        let is_full = transaction.finish(written).await?;
        events.iter().for_each(|event| report(event));
        Ok(is_full)
    }

    async fn write_leak_in(
        &self,
        transaction: &Transaction,
        (id, generation): (TokenId, u32),
        leak: &Report,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let (Some(mut token), _) = transaction.find_to_change(id, None).await? else { return Ok(false) };
        let response = respond(&token, generation, now);
        let minute = (now.minus_seconds(RESOLUTION_SECONDS), now.plus_seconds(CLOCK_TOLERANCE_SECONDS));
        let recorded = transaction.generations_of_events(Action::LeakReported, id, minute).await?;
        // There are few values that work, and many that do not.
        let old = recorded.iter().flatten().filter(|generation| !works(&token, **generation, now)).count();
        let is_full = !works(&token, generation, now) && old >= MAX_RECORDED;
        // What is done about it is said in any case.
        if response.is_some() || (!is_full && !recorded.contains(&Some(generation))) {
            let by = (Actor::System, leak.provenance.clone());
            let mut event = self.change(Action::LeakReported, by, (id, generation), now)?;
            (event.actor, event.reason) = (leak.actor, leak.reason.clone());
            transaction.append(&event).await?;
            self.announce(transaction, NoticeKind::Leaked, &token, &event).await?;
        }
        let by = (Actor::System, leak.provenance.clone());
        match response {
            Some(LeakResponse::Retire(retiring)) => {
                self.retire_at_once(transaction, &token, &retiring, by, now).await?
            }
            Some(LeakResponse::Revoke) => {
                self.write_revocation(transaction, &mut token, (by, generation), leak.reason.clone(), now).await?;
            }
            None => {}
        }
        Ok(is_full)
    }
}
