//! The commands. Each does one thing with `app`; what a command was asked for goes to stdout, everything else to stderr.

mod bootstrap;
mod retire_values;
mod serve;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::clock::{SharedClock, SystemClock};
use crate::config::{DatabaseFlags, Problems, RetireValuesFlags, ServeFlags};
use crate::entropy::{SharedEntropy, SystemEntropy};
use crate::{app, config, graphql, service};

/// A server that issues API tokens, verifies them, and above all rotates them.
#[derive(Debug, Parser)]
#[command(name = "rotakey", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeFlags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and the playground (also what no subcommand does)
    Serve(Box<ServeFlags>),
    /// Make an API token with every permission, straight on an existing database, and print its value alone
    Bootstrap(DatabaseFlags),
    /// Retire every value issued before a moment, straight on the database, after an older backup was restored
    RetireValues(RetireValuesFlags),
    /// Print the GraphQL schema
    Schema,
}

/// Why a command failed. The text is for the person at the terminal.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Settings(#[from] Problems),
    #[error(transparent)]
    App(#[from] app::Error),
    #[error(transparent)]
    Service(#[from] service::Error),
    #[error(
        "Cannot write to standard output: {0}. A value that was to be shown is lost; make one by: rotakey bootstrap"
    )]
    Output(#[from] std::io::Error),
}

/// Runs the command of these arguments.
pub async fn run() -> ExitCode {
    let matches = config::ignoring_empty_variables(Cli::command()).get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(err) => err.exit(),
    };
    let done = match cli.command {
        None => serve::run(&cli.serve).await,
        Some(Command::Serve(flags)) => serve::run(&flags).await,
        Some(Command::Bootstrap(flags)) => bootstrap::run(&flags).await,
        Some(Command::RetireValues(flags)) => retire_values::run(&flags).await,
        Some(Command::Schema) => std::io::stdout().write_all(graphql::sdl().as_bytes()).map_err(Error::from),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            // Nobody is left to tell if standard error is closed as well.
            let _ = writeln!(std::io::stderr(), "rotakey: {}", with_causes(&err));
            ExitCode::FAILURE
        }
    }
}

/// The error and what it came from, once each.
fn with_causes(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut source = err.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text} ({cause_text})");
        }
        source = cause.source();
    }
    text
}

fn system() -> (SharedClock, SharedEntropy) {
    (Arc::new(SystemClock), Arc::new(SystemEntropy))
}
