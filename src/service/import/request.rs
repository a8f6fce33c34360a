//! `importAPITokens`: tokens whose values were issued elsewhere, with no more than their importer holds.

use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::rule::authority::Authority;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{ImportCandidate, ImportDraft, Permission};
use crate::domain::value::ValueHash;
use crate::service::{Caller, Error, Service};
use crate::store::Transaction;

use super::batch::{ImportOutcome, Importer, own_hashes};

/// How many tokens one request can import.
pub const MAX_IMPORTS: usize = 1_000;

/// The tokens to import, which the input has in this field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRequest {
    /// The field.
    pub field: &'static str,
    /// What is given about each.
    pub drafts: Vec<ImportDraft>,
}

/// A token that is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportedToken {
    /// Its id.
    pub id: TokenId,
    /// Whether this request has imported it. If not, an earlier one has, with the same settings.
    pub is_new: bool,
}

impl Service {
    /// Imports 1 to [`MAX_IMPORTS`] tokens in one transaction: all of them, or none. Those that were imported before with the same settings
    /// are skipped, so the same request can be repeated. Needs `API_TOKEN_MODIFY` and every permission and scope of each (R11).
    ///
    /// # Errors
    /// When the caller may not, one of them is invalid, or a value was imported before with other settings.
    pub async fn import(&self, caller: &Caller, request: ImportRequest) -> Result<Vec<ImportedToken>, Error> {
        let ImportRequest { field, drafts } = request;
        if !(1..=MAX_IMPORTS).contains(&drafts.len()) {
            return Err(InvalidInput::new(field, format!("{field} must have 1 to {MAX_IMPORTS} items.")).into());
        }
        let now = self.now();
        let transaction = self.store.begin().await?;
        let imported = self.import_for(&transaction, caller, (field, drafts), now).await;
        let events = transaction.events();
        let (imported, hashes) = caller.finish(transaction, imported).await?;
        self.after_import(&hashes, &events);
        Ok(imported)
    }

    async fn import_for(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        (field, drafts): (&'static str, Vec<ImportDraft>),
        now: Timestamp,
    ) -> Result<(Vec<ImportedToken>, Vec<ValueHash>), Error> {
        let own = transaction.find_and_lock(caller.token_id(), caller.lock_mode()).await?;
        let mut own = own.ok_or(Error::Unauthenticated)?;
        caller.check_still_valid(&own, now)?;
        caller.write_first_use_in(transaction, &mut own, now).await?;
        let authority = Authority::of(&own);
        authority.require(Permission::ApiTokenModify)?;
        let mut candidates: Vec<ImportCandidate> = Vec::with_capacity(drafts.len());
        let of_item = |number: usize, InvalidInput { field: of, message }: InvalidInput| {
            InvalidInput::new(of, format!("Item {number} of {field}: {message}"))
        };
        for (number, draft) in (1..).zip(drafts) {
            candidates.push(draft.identify(&self.foreign_formats).map_err(|invalid| of_item(number, invalid))?);
        }
        let hashes = own_hashes(&candidates);
        let importer = Importer {
            by: caller.as_actor(),
            may_issue: &|settings| authority.require_to_issue(settings),
            limits: &self.policy.limits,
            now,
        };
        let outcomes = self.import_in(transaction, candidates, importer).await?;
        let may_read = authority.require(Permission::ApiTokenRead).is_ok();
        let imported = (1..).zip(outcomes).map(|(number, outcome): (usize, _)| match outcome {
            ImportOutcome::New(id) => Ok(ImportedToken { id, is_new: true }),
            ImportOutcome::Known(id) => Ok(ImportedToken { id, is_new: false }),
            ImportOutcome::Conflict(id) => {
                // Whose value it is, is for those who may see it.
                let id = if may_read { format!(" as {id}") } else { String::new() };
                let message = format!("this value was imported{id}, with other settings or in another format.");
                Err(of_item(number, InvalidInput::new(field, message)).into())
            }
            ImportOutcome::Over(invalid) | ImportOutcome::Invalid(invalid) => Err(of_item(number, invalid).into()),
        });
        Ok((imported.collect::<Result<_, Error>>()?, hashes))
    }
}
