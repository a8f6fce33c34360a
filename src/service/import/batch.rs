//! A batch of imports in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::audit::{Action, AuditEvent, Provenance};
use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::refusal::Refusal;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Import, ImportCandidate, ImportFingerprint, Limits, Settings, Token, ValueFacts};
use crate::domain::value::ValueHash;
use crate::service::audit::report;
use crate::service::{Error, Service};
use crate::store::{ImportedValue, Transaction};

/// What an import does, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The token is new.
    New(TokenId),
    /// It was imported before with the same settings. Nothing is done, whatever has become of it since.
    Known(TokenId),
    /// Its value was imported before, with other settings or in another format.
    Conflict(TokenId),
    /// It is new, but its time is over. Nothing is done.
    Over(InvalidInput),
    /// It is new, and invalid.
    Invalid(InvalidInput),
}

impl ImportOutcome {
    /// Whether nothing may be imported because of it.
    pub(super) fn is_problem(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Invalid(_))
    }
}

/// Who imports tokens, by which rules, and when.
pub(super) struct Importer<'a> {
    pub(super) by: (Actor, Provenance),
    /// Whether they may import a token with these settings.
    pub(super) may_issue: &'a (dyn Fn(&Settings) -> Result<(), Refusal> + Send + Sync),
    pub(super) limits: &'a Limits,
    pub(super) now: Timestamp,
}

/// The values that were imported before.
pub(super) type Before = HashMap<ValueHash, (TokenId, Option<ImportFingerprint>)>;

impl Service {
    /// What was imported before of these. Nothing is written.
    pub(super) async fn imported_before(&self, candidates: &[ImportCandidate]) -> Result<Before, Error> {
        Ok(by_hash(self.store.find_imported(&hashes(candidates)).await?))
    }

    /// Adds those of these tokens that are new, and returns what was done with each. If one of the outcomes is a problem, roll the transaction
    /// back.
    pub(super) async fn import_in(
        &self,
        transaction: &Transaction,
        candidates: Vec<ImportCandidate>,
        importer: Importer<'_>,
    ) -> Result<Vec<ImportOutcome>, Error> {
        let Importer { by, may_issue, limits, now } = importer;
        let mut before = by_hash(transaction.find_imported_and_lock(&hashes(&candidates)).await?);
        let (mut outcomes, mut tokens) = (Vec::with_capacity(candidates.len()), Vec::new());
        let mut events: Vec<AuditEvent> = Vec::new();
        for candidate in candidates {
            let earlier = compare(&before, &candidate, now);
            if let Some(outcome) = earlier {
                if matches!(outcome, ImportOutcome::Known(_)) {
                    may_issue(&candidate.settings_before(now)?)?;
                }
                outcomes.push(outcome);
                continue;
            }
            let import = match candidate.validate(limits, now) {
                Ok(import) => import,
                Err(invalid) => {
                    outcomes.push(ImportOutcome::Invalid(invalid));
                    continue;
                }
            };
            may_issue(&import.settings)?;
            let (hash, fingerprint) = (import.hash, import.fingerprint);
            let token = self.imported_token(import, by.0, now)?;
            events.push(self.change(Action::Imported, by.clone(), (token.id, token.current.generation), now)?);
            outcomes.push(ImportOutcome::New(token.id));
            before.insert(hash, (token.id, Some(fingerprint)));
            tokens.push((token, fingerprint));
        }
        transaction.insert_imported(&tokens, &events).await?;
        Ok(outcomes)
    }

    /// Afterwards, if the transaction is durable: what was refused as unknown a moment ago is looked for again, and the log has the events.
    pub(super) fn after_import(&self, hashes: &[ValueHash], events: &[Arc<AuditEvent>]) {
        hashes.iter().for_each(|hash| self.cache.remove_unknown(hash));
        events.iter().for_each(|event| report(event));
    }

    /// A token that is created now. Its value may have been issued long ago, but nothing is known of its uses until now, and whatever goes
    /// by the age of a token must not take that for silence.
    fn imported_token(&self, import: Import, by: Actor, now: Timestamp) -> Result<Token, Error> {
        let Import { hash, format, hint, created_at, settings, fingerprint: _ } = import;
        Ok(Token {
            id: TokenId::new(now, self.random()?),
            created_at: now,
            created_by: by,
            updated: None,
            last_used_at: None,
            revoked_at: None,
            suspended_at: None,
            current: ValueFacts {
                generation: 1,
                hash,
                hint,
                format: Some(Box::new(format)),
                created_at,
                created_by: by,
                first_used_at: None,
                last_used_at: None,
                replaced_at: None,
                retires_at: None,
                overlap_minutes: settings.overlap_minutes,
                brown_out: false,
                salt: None,
            },
            settings,
            previous: None,
        })
    }
}

/// What is not to be imported of this, because it was before, or its time is over; `None` otherwise.
pub(super) fn compare(before: &Before, candidate: &ImportCandidate, now: Timestamp) -> Option<ImportOutcome> {
    if let Some((id, fingerprint)) = before.get(&candidate.hash) {
        let is_same = *fingerprint == Some(candidate.fingerprint);
        return Some(if is_same { ImportOutcome::Known(*id) } else { ImportOutcome::Conflict(*id) });
    }
    if let Some((id, _)) = candidate.others.iter().find_map(|hash| before.get(hash)) {
        return Some(ImportOutcome::Conflict(*id));
    }
    candidate.check_not_over(now).err().map(ImportOutcome::Over)
}

/// The hashes by which these may have been imported.
fn hashes(candidates: &[ImportCandidate]) -> Vec<ValueHash> {
    let of = |candidate: &ImportCandidate| [candidate.hash].into_iter().chain(candidate.others.clone());
    candidates.iter().flat_map(of).collect()
}

/// The hashes by which these are found.
pub(super) fn own_hashes(candidates: &[ImportCandidate]) -> Vec<ValueHash> {
    candidates.iter().map(|candidate| candidate.hash).collect()
}

fn by_hash(found: Vec<ImportedValue>) -> Before {
    found.into_iter().map(|ImportedValue { hash, token_id, fingerprint }| (hash, (token_id, fingerprint))).collect()
}
