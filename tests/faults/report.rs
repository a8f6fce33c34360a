//! What a scenario counted, as rows of a Markdown table, and what failed in it.

use std::fmt::Display;

use crate::history::History;
use crate::history::check::{Limits, check};
use crate::load::Tally;
use crate::scenario::Run;

#[derive(Clone, Debug)]
pub struct Report {
    scenario: String,
    /// What was counted in each part of the scenario, if it has several.
    parts: Vec<Vec<(&'static str, String)>>,
    counts: Vec<(&'static str, String)>,
    failures: Vec<String>,
}

impl Report {
    pub fn new(run: &Run) -> Self {
        Self { scenario: run.scenario.name(), parts: Vec::new(), counts: Vec::new(), failures: Vec::new() }
    }

    /// A row of its own for a part of the scenario. All parts have the same columns.
    pub fn part(&mut self, counts: impl IntoIterator<Item = (&'static str, String)>) {
        self.parts.push(counts.into_iter().collect());
    }

    /// A column of every row.
    pub fn count(&mut self, name: &'static str, count: impl Display) {
        self.counts.push((name, count.to_string()));
    }

    /// What must have gone well.
    pub fn expect(&mut self, outcome: Result<(), String>) {
        self.failures.extend(outcome.err());
    }

    /// Checks the history of the run.
    pub fn check_history(&mut self, run: &Run) {
        self.check_history_within(run, Limits::default());
    }

    /// As [`Report::check_history`], with these limits.
    pub fn check_history_within(&mut self, run: &Run, limits: Limits) {
        let history = History::read(&run.record).unwrap();
        let violations = check(&history, limits);
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

    /// The table, with a row for each part.
    pub fn table(&self) -> String {
        let row = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
        let whole = [Vec::new()];
        let parts = if self.parts.is_empty() { &whole[..] } else { &self.parts };
        let names = || parts[0].iter().chain(&self.counts).map(|(name, _)| *name);
        let head = row(std::iter::once("scenario").chain(names()).collect());
        let rule = row(std::iter::once("---").chain(names().map(|_| "---")).collect());
        let rows = parts.iter().map(|part| {
            let counts = part.iter().chain(&self.counts).map(|(_, count)| count.as_str());
            row(std::iter::once(self.scenario.as_str()).chain(counts).collect())
        });
        head + &rule + &rows.collect::<String>()
    }
}
