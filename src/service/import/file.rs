//! The command `import`: a file of tokens, directly on the database.

use crate::domain::invalid_input::InvalidInput;
use crate::domain::token::{ImportCandidate, ImportDraft, Limits};
use crate::service::operator::operator;
use crate::service::{Error, Service};
use crate::store;

use super::batch::{ImportOutcome, Importer, compare, own_hashes};

impl Service {
    /// Reads which value a line gives a token.
    ///
    /// # Errors
    /// The first rule that is not met.
    pub fn identify_import(&self, draft: ImportDraft) -> Result<ImportCandidate, InvalidInput> {
        draft.identify(&self.foreign_formats)
    }

    /// What importing these would do; `None` if it would add the token. Nothing is written. The operator's limits do not apply, as what they
    /// do on the database is theirs to decide.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn compare_imports(&self, candidates: &[ImportCandidate]) -> Result<Vec<Option<ImportOutcome>>, Error> {
        let now = self.now();
        let before = self.imported_before(candidates).await?;
        let outcome = |candidate: &ImportCandidate| {
            let invalid = || candidate.clone().validate(&Limits::default(), now).err().map(ImportOutcome::Invalid);
            compare(&before, candidate, now).or_else(invalid)
        };
        Ok(candidates.iter().map(outcome).collect())
    }

    /// Imports these in one transaction, unless there is a problem with one of them; returns what was done with each, or would have been.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn import_batch(&self, candidates: Vec<ImportCandidate>) -> Result<Vec<ImportOutcome>, Error> {
        let now = self.now();
        let hashes = own_hashes(&candidates);
        let importer = Importer { by: operator(), may_issue: &|_| Ok(()), limits: &Limits::default(), now };
        let transaction = self.store.begin().await?;
        let imported = self.import_in(&transaction, candidates, importer).await;
        let imported = imported.map_err(Stopped::Failed).and_then(|outcomes| {
            let stops = outcomes.iter().any(ImportOutcome::is_problem);
            if stops { Err(Stopped::ByProblem(outcomes)) } else { Ok(outcomes) }
        });
        let events = transaction.events();
        match transaction.finish(imported).await {
            Ok(outcomes) => {
                self.after_import(&hashes, &events);
                Ok(outcomes)
            }
            Err(Stopped::ByProblem(outcomes)) => Ok(outcomes),
            Err(Stopped::Failed(err)) => Err(err),
        }
    }
}

/// Why a transaction is rolled back.
enum Stopped {
    ByProblem(Vec<ImportOutcome>),
    Failed(Error),
}

impl From<store::Error> for Stopped {
    fn from(err: store::Error) -> Self {
        Self::Failed(err.into())
    }
}
