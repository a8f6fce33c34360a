//! What a scenario counted, as a row of a Markdown table, and what failed in it.

use std::fmt::Display;

use crate::history::History;
use crate::history::check::{Limits, check};
use crate::load::Tally;
use crate::scenario::Run;

#[derive(Clone, Debug)]
pub struct Report {
    counts: Vec<(&'static str, String)>,
    failures: Vec<String>,
}

impl Report {
    pub fn new(run: &Run) -> Self {
        Self { counts: vec![("scenario", run.scenario.name())], failures: Vec::new() }
    }

    /// A column of the row.
    pub fn count(&mut self, name: &'static str, count: impl Display) {
        self.counts.push((name, count.to_string()));
    }

    /// What must have gone well.
    pub fn expect(&mut self, outcome: Result<(), String>) {
        self.failures.extend(outcome.err());
    }

    /// Checks the history of the run.
    pub fn check_history(&mut self, run: &Run) {
        let history = History::read(&run.record).unwrap();
        let violations = check(&history, Limits::default());
        self.count("calls checked", history.calls.len());
        self.count("violations", violations.len());
        self.failures.extend(violations.iter().map(ToString::to_string));
    }

    /// No client may be left without a value that works.
    pub fn count_lock_outs(&mut self, tally: &Tally) {
        self.count("lock-outs", tally.locked_out.len());
        self.failures.extend(tally.locked_out.iter().map(|client| format!("locked out: {client}")));
    }

    pub fn is_good(&self) -> bool {
        self.failures.is_empty()
    }

    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// The table, with its one row.
    pub fn table(&self) -> String {
        let row = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
        let names = row(self.counts.iter().map(|(name, _)| *name).collect());
        let rule = row(self.counts.iter().map(|_| "---").collect());
        names + &rule + &row(self.counts.iter().map(|(_, count)| count.as_str()).collect())
    }
}
