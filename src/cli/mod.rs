//! The command line. The output of a command goes to stdout, everything else to stderr.

mod clock_and_entropy;
mod error;
mod health_check;
mod mail;
mod manual;
mod operator;
mod serve;
mod settings;
mod traces;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{
    BackupFlags, DatabaseFlags, HealthCheckFlags, ImportFlags, RestoreFlags, RetireValuesFlags, ServeFlags, Sources,
};
use crate::systemd::{PassedSockets, passed_sockets};
use crate::{app, config, graphql, telemetry};

use error::{Error, with_causes};
use manual::{CompletionsFlags, ManPagesFlags};
use operator::{backup, bootstrap, import, restore, retire_values};
use settings::SettingsCommand;

/// A self-hosted server that issues, verifies and rotates API tokens.
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
    /// Start the server; the default if no command is given
    Serve(Box<ServeFlags>),
    /// Create an API token with every permission and scope directly in an existing database, and print only its value
    Bootstrap(DatabaseFlags),
    /// Back up a SQLite database to a file, even while a server uses it
    Backup(BackupFlags),
    /// Restore a SQLite database from a backup, or retire the values of a restored database
    Restore(RestoreFlags),
    /// Import API tokens whose values were issued elsewhere, directly into the database, even while servers use it
    Import(ImportFlags),
    /// Retire all values issued before a moment, directly in the database
    RetireValues(RetireValuesFlags),
    /// Check the settings, or print them
    #[command(subcommand)]
    Config(SettingsCommand),
    /// Ask the server on this machine whether it is ready; for supervisors of containers
    Healthcheck(HealthCheckFlags),
    /// Print the GraphQL schema
    Schema,
    /// Print the completions for a shell
    #[command(hide = true)]
    Completions(CompletionsFlags),
    /// Write the man pages into a folder
    #[command(hide = true)]
    ManPages(ManPagesFlags),
}

/// Runs the command that the arguments of the process name.
pub fn run() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let (cli, sources) = match config::read(Cli::command(), &arguments)
        .and_then(|(matches, sources)| Ok((Cli::from_arg_matches(&matches)?, sources)))
    {
        Ok(read) => read,
        Err(err) => err.exit(),
    };
    let command = cli.command.unwrap_or_else(|| Command::Serve(Box::new(cli.serve)));
    match execute(command, &sources) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            telemetry::report_failure(&with_causes(&err));
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command, sources: &Sources) -> Result<(), Error> {
    // Before the runtime opens descriptors, which could have the numbers of passed ones that are missing.
    let passed = match &command {
        Command::Serve(_) => passed_sockets().map_err(app::Error::from)?,
        _ => PassedSockets::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::Runtime)?;
    let outcome = runtime.block_on(run_async(command, sources, passed));
    // Dropping the runtime would wait for its threads, such as one that looks up the name of a collector for as long as DNS does not
    // answer. Each command has closed by now what it opened.
    runtime.shutdown_background();
    outcome
}

async fn run_async(command: Command, sources: &Sources, passed: PassedSockets) -> Result<(), Error> {
    match command {
        Command::Serve(flags) => serve::run(&flags, sources, passed).await,
        Command::Bootstrap(flags) => bootstrap::run(&flags, sources).await,
        Command::Backup(flags) => backup::run(&flags, sources).await,
        Command::Restore(flags) => restore::run(&flags, sources).await,
        Command::Import(flags) => import::run(&flags, sources).await,
        Command::RetireValues(flags) => retire_values::run(&flags, sources).await,
        Command::Config(command) => settings::run(command, sources, &Cli::command()).await,
        Command::Healthcheck(flags) => health_check::run(&flags, sources).await,
        Command::Completions(flags) => manual::print_completions(&flags, Cli::command()),
        Command::ManPages(flags) => manual::write_man_pages(&flags, Cli::command()),
        Command::Schema => std::io::stdout().write_all(graphql::sdl().as_bytes()).map_err(Error::from),
    }
}
