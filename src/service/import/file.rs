//! The command `import`: a file of tokens, directly on the database.

use crate::domain::token::{Import, ImportDraft, Limits};
use crate::service::operator::operator;
use crate::service::{Error, Service};
use crate::store;

use super::batch::{ImportOutcome, compare, hashes};

impl Service {
    /// Validates what a line gives about a token. The operator's limits do not apply, as what they do on the database is theirs to decide.
    ///
    /// # Errors
    /// The first rule that is not met.
    pub fn check_import(&self, draft: ImportDraft) -> Result<Import, Error> {
        Ok(draft.validate(&self.foreign_formats, &Limits::default(), self.now())?)
    }

    /// What importing these would do; `None` if it would add the token. Nothing is written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn compare_imports(&self, imports: &[Import]) -> Result<Vec<Option<ImportOutcome>>, Error> {
        let before = self.imported_before(imports).await?;
        Ok(imports.iter().map(|import| compare(&before, import)).collect())
    }

    /// Imports these in one transaction, unless one of them is in conflict; returns what was done with each, or would have been.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn import_batch(&self, imports: Vec<Import>) -> Result<Vec<ImportOutcome>, Error> {
        let now = self.now();
        let hashes = hashes(&imports);
        let transaction = self.store.begin().await?;
        let imported = self.import_in(&transaction, imports, operator(), now).await;
        let imported = imported.map_err(Stopped::Failed).and_then(|outcomes| {
            let in_conflict = outcomes.iter().any(|outcome| matches!(outcome, ImportOutcome::Conflict(_)));
            if in_conflict { Err(Stopped::InConflict(outcomes)) } else { Ok(outcomes) }
        });
        let events = transaction.events();
        match transaction.finish(imported).await {
            Ok(outcomes) => {
                self.after_import(&hashes, &events);
                Ok(outcomes)
            }
            Err(Stopped::InConflict(outcomes)) => Ok(outcomes),
            Err(Stopped::Failed(err)) => Err(err),
        }
    }
}

/// Why a transaction is rolled back.
enum Stopped {
    InConflict(Vec<ImportOutcome>),
    Failed(Error),
}

impl From<store::Error> for Stopped {
    fn from(err: store::Error) -> Self {
        Self::Failed(err.into())
    }
}
