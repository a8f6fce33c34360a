//! The load benchmark (`make bench`): Rotakey compared with the smallest programs that could do the same, in one run on one machine.
//!
//! It uses the public endpoints of the release build. `docs/performance.md` explains the baselines and has the results.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

mod bench;
mod client;
mod cost_measures;
mod http_baseline;
mod machine;
mod postgres;
mod rotating_clients;
mod rotation_measures;
mod rounds;
mod scale;
mod scale_measures;
mod seed;
mod server;
mod sqlite_baseline;
mod tail_latency;
mod verification_measures;
mod wrk;

use std::process::ExitCode;
use std::time::Duration;

use bench::Bench;
use rounds::{HEAD, Rounds};

/// A measure, with the name by which it can be selected.
type Measure = (&'static str, fn(&mut Bench));

const MEASURES: &[Measure] = &[
    ("verify", verification_measures::verify),
    ("bodies", verification_measures::bodies),
    ("cost", cost_measures::cost),
    ("users", cost_measures::users),
    ("misses", verification_measures::misses),
    ("sqlite", rotation_measures::sqlite),
    ("postgres", rotation_measures::postgres),
    ("list", scale_measures::list),
    ("memory", scale_measures::memory),
    ("start", scale_measures::start),
    ("latency", verification_measures::latency),
];

/// The measures that take long and much space, which run only when they are named.
const LONG: &[Measure] = &[
    ("scale-sqlite", scale::sqlite),
    ("scale-postgres", scale::postgres),
    ("listings-sqlite", scale::sqlite_listings),
    ("listings-postgres", scale::postgres_listings),
];

/// The required programs, and the Debian packages that contain them.
const NEEDED: &[(&str, &str)] =
    &[("wrk", "wrk"), ("pgbench", "postgresql"), ("taskset", "util-linux"), ("setpriv", "util-linux")];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(server::BASELINE) => http_baseline::serve(&arguments[1..]),
        Some(tail_latency::PACED) => tail_latency::run(&arguments[1..]),
        _ => return measure(&arguments),
    }
    ExitCode::SUCCESS
}

fn measure(arguments: &[String]) -> ExitCode {
    // Cargo adds this flag.
    let selected: Vec<&str> = arguments.iter().map(String::as_str).filter(|argument| *argument != "--bench").collect();
    let known: Vec<&str> = MEASURES.iter().chain(LONG).map(|(name, _)| *name).collect();
    if let Some(unknown) = selected.iter().find(|name| !known.contains(name)) {
        eprintln!("There is no measure {unknown}. There are: {}", known.join(", "));
        return ExitCode::FAILURE;
    }
    let missing = machine::missing(NEEDED);
    if !missing.is_empty() {
        eprintln!("Install these Debian packages, or the equivalent: {}", missing.join(" "));
        return ExitCode::FAILURE;
    }
    let rounds = Rounds { count: 5, each: Duration::from_secs(3) };
    let mut bench = Bench::new(rounds);
    let named = |(name, _): &&Measure| selected.contains(name);
    let default = MEASURES.iter().filter(|measure| selected.is_empty() || named(measure));
    for (_, run) in default.chain(LONG.iter().filter(named)) {
        run(&mut bench);
    }
    let machine = machine::describe(bench.folder());
    println!("\n{machine}; medians of {} rounds of {} s\n\n{HEAD}", rounds.count, rounds.each.as_secs());
    for row in bench.rows() {
        println!("{}", row.markdown());
    }
    ExitCode::SUCCESS
}
