//! Errors of commands, for people at a terminal.

use std::path::PathBuf;

use crate::config::{Listen, Problems};
use crate::{app, service};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Settings(#[from] Problems),
    #[error(transparent)]
    App(#[from] app::Error),
    #[error("Cannot start the runtime: {0}. Raise the limits on open files, processes and threads.")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Service(#[from] service::Error),
    #[error(transparent)]
    Backup(#[from] service::BackupError),
    #[error("Cannot read {}: {source}.", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("The file has {}. {}", counted(*problems, "problem"), imported_before(*imported))]
    WrongImport { problems: u64, imported: u64 },
    #[error("The import was interrupted. {} Run the same command again.", imported_before(*imported))]
    InterruptedImport { imported: u64, source: service::Error },
    #[error("Cannot write the man pages into {}: {source}. Name a folder that exists.", folder.display())]
    ManPages { folder: PathBuf, source: std::io::Error },
    #[error("The server at {address} does not answer: {source}.")]
    NoAnswer { address: Listen, source: std::io::Error },
    #[error("The server at {address} is not ready: {answer}")]
    NotReady { address: Listen, answer: String },
    #[error(
        "Cannot write to standard output: {0}. If a new value was to be printed, it is lost; create another token: rotakey bootstrap"
    )]
    Output(#[from] std::io::Error),
}

fn imported_before(tokens: u64) -> String {
    match tokens {
        0 => "Nothing was imported.".to_owned(),
        1 => "1 token was imported before. The same command skips it, once the cause is mended.".to_owned(),
        _ => format!("{tokens} tokens were imported before. The same command skips them, once the cause is mended."),
    }
}

/// A number of things, such as `1 token`.
pub(super) fn counted(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// The error followed by its causes, without repetitions.
pub(super) fn with_causes(err: &dyn std::error::Error) -> String {
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
