//! `rotakey completions` and `rotakey man-pages`: what packages install beside the binary.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::config;

use super::error::Error;

/// The flags of `completions`.
#[derive(Args, Debug)]
pub(super) struct CompletionsFlags {
    /// The shell
    shell: Shell,
}

/// The flags of `man-pages`.
#[derive(Args, Debug)]
pub(super) struct ManPagesFlags {
    /// The folder in which the pages are written. It must exist
    folder: PathBuf,
}

/// Prints the completions of a command line for a shell.
pub(super) fn print_completions(flags: &CompletionsFlags, command: Command) -> Result<(), Error> {
    let mut command = config::with_source_flags(command);
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    // It would panic if it wrote to a closed stdout.
    clap_complete::generate(flags.shell, &mut command, name, &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(())
}

/// Writes a page for each command of a command line.
pub(super) fn write_man_pages(flags: &ManPagesFlags, command: Command) -> Result<(), Error> {
    let folder = &flags.folder;
    clap_mangen::generate_to(config::with_source_flags(command), folder)
        .map_err(|source| Error::ManPages { folder: folder.clone(), source })
}
