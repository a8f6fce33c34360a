//! What an import reports: problems on stderr as they are found, and the result on stdout.

use std::io::Write;

use crate::cli::error::Error;
use crate::service::{self, ImportOutcome};

/// How many problems are printed.
const MAX_SHOWN: u64 = 100;

/// What has been found and done so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    problems: u64,
    /// Lines that the check has found to be new, and imported before.
    to_import: u64,
    known: u64,
    imported: u64,
}

impl Report {
    pub(super) fn has_problems(&self) -> bool {
        self.problems > 0
    }

    /// Notes and prints what is wrong with a line.
    pub(super) fn problem(&mut self, line: u64, field: Option<String>, message: String) {
        self.problems += 1;
        let place = field.map_or_else(String::new, |field| format!(", {field}"));
        if self.problems <= MAX_SHOWN {
            // If stderr is closed, the exit status still says it.
            let _ = writeln!(std::io::stderr(), "line {line}{place}: {message}");
        }
    }

    /// Notes what importing a line would do.
    pub(super) fn note_checked(&mut self, line: u64, outcome: Option<ImportOutcome>) {
        match outcome {
            None | Some(ImportOutcome::New(_)) => self.to_import += 1,
            Some(ImportOutcome::Known(_)) => self.known += 1,
            Some(ImportOutcome::Conflict(id)) => self.conflict(line, &id),
        }
    }

    fn conflict(&mut self, line: u64, id: &dyn std::fmt::Display) {
        let message = format!(
            "This value was imported as {id}, and the line has changed since. Restore the line or remove it, and change the token instead."
        );
        self.problem(line, None, message);
    }

    /// Ends the check: fails if anything is wrong.
    pub(super) fn finish_check(&self, only_check: bool) -> Result<(), Error> {
        self.must_be_right()?;
        let Self { to_import, known, .. } = self;
        if only_check {
            writeln!(std::io::stdout(), "The file is right. To import: {to_import} tokens. Imported before: {known}.")?;
        }
        Ok(())
    }

    /// # Errors
    /// If anything is wrong.
    pub(super) fn must_be_right(&self) -> Result<(), Error> {
        if self.problems == 0 {
            return Ok(());
        }
        if self.problems > MAX_SHOWN {
            let more = self.problems - MAX_SHOWN;
            let _ = writeln!(std::io::stderr(), "… and {more} more problems.");
        }
        Err(Error::WrongImport { problems: self.problems, imported: self.imported })
    }

    /// Notes what a transaction has done with these lines. If one of them is in conflict, it has done nothing.
    pub(super) fn note_written(&mut self, lines: &[u64], outcomes: &[ImportOutcome]) -> Result<(), Error> {
        for (line, outcome) in lines.iter().zip(outcomes) {
            if let ImportOutcome::Conflict(id) = outcome {
                self.conflict(*line, id);
            }
        }
        self.must_be_right()?;
        self.imported += outcomes.iter().filter(|outcome| matches!(outcome, ImportOutcome::New(_))).count() as u64;
        Ok(())
    }

    /// The error of a transaction that failed.
    pub(super) fn interrupted(&self, source: service::Error) -> Error {
        Error::InterruptedImport { imported: self.imported, source }
    }

    /// Prints the result.
    pub(super) fn finish(&self) -> Result<(), Error> {
        let Self { imported, to_import, known, .. } = self;
        // What another command has imported since the check.
        let known = known + to_import.saturating_sub(*imported);
        writeln!(std::io::stdout(), "Imported {imported} tokens. Imported before: {known}.")?;
        Ok(())
    }
}
