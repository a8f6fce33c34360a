//! Servers, databases and networks are broken under load, and every call of every client is checked afterwards.
//!
//! `cargo test --locked --test faults` runs every scenario in its short form, `-- --long` in its long one, and
//! `-- SCENARIO… --times N --seed S --record FILE` what you name. Each prints a row of a Markdown table, and the program fails if
//! anything was lost. It is a program of its own and not part of the integration tests, because a scenario takes minutes, needs
//! the machine for itself, and prints figures.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and what it counts is its result"
)]

mod history;
mod load;
mod report;
mod scenario;
mod site;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the integration tests use the rest")]
mod support;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use scenario::{Run, Scenario};

/// Breaks things under load, and checks that nothing was lost.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to break; everything if none is named
    scenarios: Vec<Scenario>,
    /// How often to break it
    #[arg(long)]
    times: Option<u32>,
    /// The seed of all random choices
    #[arg(long)]
    seed: Option<u64>,
    /// Where to write the history of one scenario
    #[arg(long)]
    record: Option<PathBuf>,
    /// Break it as often as the documentation states figures for
    #[arg(long)]
    long: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let scenarios = match arguments.scenarios.as_slice() {
        [] => Scenario::value_variants(),
        named => named,
    };
    if arguments.record.is_some() && scenarios.len() > 1 {
        eprintln!("--record takes the history of one scenario; name it");
        return ExitCode::FAILURE;
    }
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    let mut good = true;
    for scenario in scenarios.iter().copied() {
        let times = arguments.times.unwrap_or_else(|| scenario.times(arguments.long));
        let record = arguments.record.clone().unwrap_or_else(|| default_record(scenario, seed));
        let run = Run { scenario, times, seed, record };
        eprintln!("{}: {times} times, --seed {seed}, history in {}", scenario.name(), run.record.display());
        let report = run.run().await;
        println!("{}", report.table());
        report.failures().iter().for_each(|failure| eprintln!("FAILED: {failure}"));
        if report.is_good() && arguments.record.is_none() {
            std::fs::remove_file(&run.record).unwrap();
        }
        good &= report.is_good();
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A file that is kept if the scenario fails.
fn default_record(scenario: Scenario, seed: u64) -> PathBuf {
    std::env::temp_dir().join(format!("rotakey-{}-{seed}.jsonl", scenario.name()))
}
