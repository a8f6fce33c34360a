//! `rotakey config`: checks the settings without starting anything, or prints them.

use std::io::Write;

use clap::Subcommand;

use crate::app;
use crate::config::{self, ServeFlags, Sources};

use super::error::Error;
use super::traces;

#[derive(Debug, Subcommand)]
pub(super) enum SettingsCommand {
    /// Check all settings of `serve`, wherever they are set, and the TLS files; start nothing
    Check(Box<ServeFlags>),
    /// Check all settings of `serve`, and print them as TOML with the place where each is set; secrets are left out
    Print(Box<ServeFlags>),
    /// Print an example of a settings file, with the help of every setting
    Example,
}

pub(super) async fn run(command: SettingsCommand, sources: &Sources, cli: &clap::Command) -> Result<(), Error> {
    let mut stdout = std::io::stdout();
    match command {
        SettingsCommand::Check(flags) => {
            let settings = sources.check(flags.validate(app::raise_descriptor_limit()))?;
            if let Some(files) = settings.tls {
                app::load_tls(files).await?;
            }
            traces::connector(settings.traces.as_ref()).await?;
            match sources.file() {
                Some(file) => writeln!(stdout, "The settings are valid: {}", file.display())?,
                None => writeln!(stdout, "The settings are valid. There is no settings file.")?,
            }
        }
        SettingsCommand::Print(flags) => {
            sources.check(flags.validate(app::raise_descriptor_limit()))?;
            stdout.write_all(sources.to_toml().as_bytes())?;
        }
        SettingsCommand::Example => stdout.write_all(config::example(cli).as_bytes())?,
    }
    Ok(())
}
