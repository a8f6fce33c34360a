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
mod power_cut;
mod report;
mod scenario;
mod site;
mod stop;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the integration tests use the rest")]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use tokio::sync::watch;

use history::History;
use history::check::Limits;
use scenario::{Run, Scenario};

/// Breaks things under load, and checks that nothing was lost.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
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
    /// The binary of the version from which is upgraded: ./tests/upgrade builds it
    #[arg(long, value_name = "BINARY")]
    previous: Option<PathBuf>,
    /// Break it as often as the documentation states figures for
    #[arg(long)]
    long: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks a history that was recorded before, here or elsewhere
    Check {
        /// The history; docs/reliability.md describes the format
        file: PathBuf,
        /// For how long other replicas may accept what was rotated away or revoked, in milliseconds
        #[arg(long, default_value_t = 10_000)]
        propagation_millis: u64,
        /// How far the clock of the database may be from that of the recorder, in milliseconds
        #[arg(long, default_value_t = 1_000)]
        clock_slack_millis: u64,
        /// The clock of the database was set back meanwhile, so that what had ended by it worked again
        #[arg(long)]
        clock_set_back: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::Check { file, propagation_millis, clock_slack_millis, clock_set_back }) = &arguments.command {
        let [propagation, clock_slack] = [*propagation_millis, *clock_slack_millis].map(Duration::from_millis);
        return check(file, Limits { propagation, clock_slack, clock_set_back: *clock_set_back });
    }
    let stopped = watch::Sender::new(false);
    tokio::spawn(stop::watch_signals(stopped.clone()));
    let mut stopped = stopped.subscribe();
    // What a scenario has started ends with it, when it is dropped.
    tokio::select! {
        status = run(&arguments) => status,
        _ = stopped.wait_for(|stopped| *stopped) => ExitCode::from(stop::STATUS),
    }
}

/// Runs scenarios.
async fn run(arguments: &Arguments) -> ExitCode {
    let scenarios = match arguments.scenarios.as_slice() {
        [] => Scenario::value_variants(),
        named => named,
    };
    let has_previous = |scenario: &Scenario| !scenario.needs_previous() || arguments.previous.is_some();
    if let Some(scenario) = arguments.scenarios.iter().find(|scenario| !has_previous(scenario)) {
        eprintln!("{} needs --previous; ./tests/upgrade builds that binary and runs it", scenario.name());
        return ExitCode::FAILURE;
    }
    if arguments.record.is_some() && scenarios.len() > 1 {
        eprintln!("--record takes the history of one scenario; name it");
        return ExitCode::FAILURE;
    }
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    let mut good = true;
    for scenario in scenarios.iter().copied().filter(has_previous) {
        let times = arguments.times.unwrap_or_else(|| scenario.times(arguments.long));
        let record = arguments.record.clone().unwrap_or_else(|| default_record(scenario, seed));
        let previous = arguments.previous.as_ref().map(|binary| std::path::absolute(binary).unwrap());
        let run = Run { scenario, times, seed, long: arguments.long, record, previous };
        eprintln!("{}: {times} times, --seed {seed}, history in {}", scenario.name(), run.record.display());
        let report = run.run().await;
        println!("{}", report.table());
        report.failures().iter().for_each(|failure| eprintln!("FAILED: {failure}"));
        if report.is_good() && arguments.record.is_none() {
            // A scenario without calls has written none.
            let _ = std::fs::remove_file(&run.record);
        }
        good &= report.is_good();
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints what cannot have happened in a history.
fn check(file: &Path, limits: Limits) -> ExitCode {
    let history = match History::read(file) {
        Ok(history) => history,
        Err(err) => {
            eprintln!("{err}");
            return ExitCode::FAILURE;
        }
    };
    let violations = history::check::check(&history, limits);
    violations.iter().for_each(|violation| println!("{violation}"));
    println!("{} calls, {} violations", history.calls.len(), violations.len());
    if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A file that is kept if the scenario fails.
fn default_record(scenario: Scenario, seed: u64) -> PathBuf {
    std::env::temp_dir().join(format!("rotakey-{}-{seed}.jsonl", scenario.name()))
}
