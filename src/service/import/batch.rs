//! A batch of imports in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::audit::{Action, AuditEvent, Provenance};
use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Import, ImportFingerprint, Token, ValueFacts};
use crate::domain::value::ValueHash;
use crate::service::audit::report;
use crate::service::{Error, Service};
use crate::store::{ImportedValue, Transaction};

/// What an import does, or would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The token is new.
    New(TokenId),
    /// It was imported before with the same settings. Nothing is done, whatever has become of it since.
    Known(TokenId),
    /// Its value was imported before, with other settings.
    Conflict(TokenId),
}

/// The values that were imported before.
pub(super) type Before = HashMap<ValueHash, (TokenId, Option<ImportFingerprint>)>;

impl Service {
    /// What was imported before of these. Nothing is written.
    pub(super) async fn imported_before(&self, imports: &[Import]) -> Result<Before, Error> {
        Ok(by_hash(self.store.find_imported(&hashes(imports)).await?))
    }

    /// Adds those of these tokens that are new, and returns what was done with each. Call this only if none of them is in conflict, or roll
    /// the transaction back then.
    pub(super) async fn import_in(
        &self,
        transaction: &Transaction,
        imports: Vec<Import>,
        by: (Actor, Provenance),
        now: Timestamp,
    ) -> Result<Vec<ImportOutcome>, Error> {
        let mut before = by_hash(transaction.find_imported_and_lock(&hashes(&imports)).await?);
        let (mut outcomes, mut tokens) = (Vec::with_capacity(imports.len()), Vec::new());
        let mut events: Vec<AuditEvent> = Vec::new();
        for import in imports {
            if let Some(outcome) = compare(&before, &import) {
                outcomes.push(outcome);
                continue;
            }
            let (hash, fingerprint) = (import.hash, import.fingerprint);
            let token = self.imported_token(import, by.0)?;
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

    /// A token that was created, and its value issued, when and where the import says. Ids sort by creation, so it has that time.
    fn imported_token(&self, import: Import, by: Actor) -> Result<Token, Error> {
        let Import { hash, format, hint, created_at, settings, fingerprint: _ } = import;
        Ok(Token {
            id: TokenId::new(created_at, self.random()?),
            created_at,
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

/// What was imported before with this value; `None` if it is new.
pub(super) fn compare(before: &Before, import: &Import) -> Option<ImportOutcome> {
    let (id, fingerprint) = before.get(&import.hash)?;
    let is_same = *fingerprint == Some(import.fingerprint);
    Some(if is_same { ImportOutcome::Known(*id) } else { ImportOutcome::Conflict(*id) })
}

pub(super) fn hashes(imports: &[Import]) -> Vec<ValueHash> {
    imports.iter().map(|import| import.hash).collect()
}

fn by_hash(found: Vec<ImportedValue>) -> Before {
    found.into_iter().map(|ImportedValue { hash, token_id, fingerprint }| (hash, (token_id, fingerprint))).collect()
}
