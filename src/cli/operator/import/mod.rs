//! `rotakey import`: imports tokens from a file, directly into the database.
//!
//! The file is read twice. The first time, every line is checked, and what the database has of it; if anything is wrong, nothing is
//! written. The second time, a transaction is made of every thousand lines. What was imported before is skipped, so a command that
//! was interrupted is run again.

mod lines;
mod report;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use crate::app;
use crate::config::{ImportFlags, Sources};
use crate::http::{ImportLines, LineProblem};
use crate::service::{ImportCandidate, InvalidInput, Policy, Service};

use crate::cli::clock_and_entropy::system;
use crate::cli::error::Error;

use lines::{Line, Lines};
use report::Report;

/// How many lines one transaction imports.
const BATCH: usize = 1_000;
/// How many bytes of lines one transaction imports, or a line more, so that the memory is bounded.
const BATCH_BYTES: usize = 8 << 20;
/// Of how many lines it is noticed before anything is written that two of them have the same value.
const MAX_NOTICED: usize = 1_000_000;

pub(crate) async fn run(flags: &ImportFlags, sources: &Sources) -> Result<(), Error> {
    let (database_url, formats) = sources.check(flags.validate())?;
    // Before the database is opened, which may be migrated then.
    let lines = Lines::open(&flags.file)?;
    let (clock, entropy) = system();
    let service = app::open_existing(&database_url, clock, entropy, Policy::default()).await?;
    let service = service.with_foreign_formats(formats);
    let imported = import(&service, &flags.file, lines, flags.check).await;
    service.close().await.map_err(app::Error::Closing)?;
    imported
}

async fn import(service: &Service, path: &Path, lines: Lines, only_check: bool) -> Result<(), Error> {
    let mut report = Report::default();
    check(service, lines, &mut report).await?;
    report.finish_check(only_check)?;
    if only_check {
        return Ok(());
    }
    let mut lines = Batches::new(Lines::open(path)?);
    while let Some(batch) = lines.next(service, &mut report)? {
        report.must_be_right()?;
        let numbers: Vec<u64> = batch.iter().map(|(number, _)| *number).collect();
        let candidates = batch.into_iter().map(|(_, candidate)| candidate).collect();
        let outcomes = service.import_batch(candidates).await.map_err(|err| report.interrupted(err))?;
        report.note_written(&numbers, &outcomes)?;
    }
    report.must_be_right()?;
    report.finish()
}

/// Reads the whole file, and notes every problem. Nothing is written.
async fn check(service: &Service, lines: Lines, report: &mut Report) -> Result<(), Error> {
    let mut lines = Batches::new(lines);
    // The first bytes of a hash are enough to tell a million of them apart.
    let mut seen: HashMap<[u8; 8], u64> = HashMap::new();
    while let Some(batch) = lines.next(service, report)? {
        let (numbers, candidates): (Vec<u64>, Vec<ImportCandidate>) = batch.into_iter().unzip();
        let outcomes = service.compare_imports(&candidates).await?;
        for ((number, candidate), outcome) in numbers.into_iter().zip(&candidates).zip(outcomes) {
            let room = seen.len() < MAX_NOTICED;
            let repeats = |line: &u64| format!("This value is also on line {line}. Each may be on one line.");
            if let Some(line) = candidate.others.iter().find_map(|hash| seen.get(&hash.first_bytes())) {
                report.problem(number, None, repeats(line));
                continue;
            }
            match seen.entry(candidate.hash.first_bytes()) {
                Entry::Occupied(first) => report.problem(number, None, repeats(first.get())),
                Entry::Vacant(place) => {
                    if room {
                        place.insert(number);
                    }
                    report.note_checked(number, outcome);
                }
            }
        }
    }
    Ok(())
}

/// Lines in batches, of each of which the value is known. Those that are wrong are noted and left out.
struct Batches {
    lines: Lines,
    format: Option<ImportLines>,
}

impl Batches {
    fn new(lines: Lines) -> Self {
        Self { lines, format: None }
    }

    /// The next batch, which is empty if all its lines are wrong; `None` after the last.
    fn next(&mut self, service: &Service, report: &mut Report) -> Result<Option<Vec<(u64, ImportCandidate)>>, Error> {
        let (mut batch, mut bytes, mut is_end) = (Vec::new(), 0, true);
        for _ in 0..BATCH {
            let Some(Line { number, text }) = self.lines.next()? else { break };
            is_end = false;
            match text {
                Ok(text) if text.trim_ascii().is_empty() => {}
                Ok(text) => {
                    bytes += text.len();
                    match self.read(service, &text) {
                        Ok(candidate) => batch.extend(candidate.map(|candidate| (number, candidate))),
                        Err(LineProblem { field, message }) => report.problem(number, field, message),
                    }
                }
                Err(message) => report.problem(number, None, message),
            }
            if bytes >= BATCH_BYTES || self.format.is_none() {
                break;
            }
        }
        // Without a first line, no other means anything.
        let is_unreadable = self.format.is_none() && report.has_problems();
        Ok((!is_end && !is_unreadable).then_some(batch))
    }

    /// The token of a line; `None` for the first of CSV.
    fn read(&mut self, service: &Service, text: &[u8]) -> Result<Option<ImportCandidate>, LineProblem> {
        let format = match &self.format {
            Some(format) => format,
            None => match self.format.insert(ImportLines::of_first(text)?) {
                ImportLines::Csv(_) => return Ok(None),
                format @ ImportLines::Json => format,
            },
        };
        let candidate = service.identify_import(format.read(text)?);
        candidate
            .map(Some)
            .map_err(|InvalidInput { field, message }| LineProblem { field: Some(field.to_owned()), message })
    }
}
