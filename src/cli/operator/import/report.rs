//! What an import reports: problems on stderr as they are found, and the result on stdout.

use std::io::Write;

use crate::cli::error::{Error, counted};
use crate::service::{self, ImportOutcome, InvalidInput};

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
    /// Lines that are new, and whose time is over: at the check, and later.
    over: u64,
    over_when_written: u64,
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
            Some(ImportOutcome::Over(_)) => self.over += 1,
            Some(outcome) => self.note_problem(line, &outcome),
        }
    }

    /// Notes what prevents the import, if the outcome does.
    fn note_problem(&mut self, line: u64, outcome: &ImportOutcome) {
        match outcome {
            ImportOutcome::Conflict(id) => self.conflict(line, id),
            ImportOutcome::Invalid(InvalidInput { field, message }) => {
                self.problem(line, Some((*field).to_owned()), message.clone());
            }
            ImportOutcome::New(_) | ImportOutcome::Known(_) | ImportOutcome::Over(_) => {}
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
            let (tokens, over) = (counted(*to_import, "token"), self.left_out());
            writeln!(std::io::stdout(), "The file is valid. To import: {tokens}. Imported before: {known}.{over}")?;
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

    /// Notes what a transaction has done with these lines. If there is a problem with one of them, it has done nothing.
    pub(super) fn note_written(&mut self, lines: &[u64], outcomes: &[ImportOutcome]) -> Result<(), Error> {
        for (line, outcome) in lines.iter().zip(outcomes) {
            self.note_problem(*line, outcome);
        }
        self.must_be_right()?;
        for outcome in outcomes {
            match outcome {
                ImportOutcome::New(_) => self.imported += 1,
                ImportOutcome::Over(_) => self.over_when_written += 1,
                _ => {}
            }
        }
        Ok(())
    }

    /// The error of a transaction that failed.
    pub(super) fn interrupted(&self, source: service::Error) -> Error {
        Error::InterruptedImport { imported: self.imported, source }
    }

    /// Prints the result.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        // Since the check, more lines may have become over, and another command may have imported some.
        let known = (self.known + self.to_import + self.over).saturating_sub(self.imported + self.over_when_written);
        self.over = self.over_when_written;
        let (tokens, over) = (counted(self.imported, "token"), self.left_out());
        writeln!(std::io::stdout(), "Imported {tokens}. Imported before: {known}.{over}")?;
        Ok(())
    }

    /// What is said of lines whose time is over.
    fn left_out(&self) -> String {
        match self.over {
            0 => String::new(),
            over => format!(" Left out, because they expired or had to be rotated by now: {over}."),
        }
    }
}
