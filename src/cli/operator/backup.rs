//! `rotakey backup`: copies a SQLite database while a server uses it.

use std::io::Write;

use serde::Serialize;

use crate::config::{BackupFlags, Sources};
use crate::service::{self, Backup};

use crate::cli::clock_and_entropy::system;
use crate::cli::error::Error;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    file: String,
    moment: String,
    schema: &'a str,
    tokens: u64,
    values: u64,
    events: u64,
    bytes: u64,
}

pub(crate) async fn run(flags: &BackupFlags, sources: &Sources) -> Result<(), Error> {
    let database_url = sources.check(flags.validate())?;
    let (clock, _) = system();
    let backup = service::back_up(database_url.as_str(), &flags.file, flags.force, &clock).await?;
    let file = flags.file.display();
    writeln!(std::io::stderr(), "Backed up and verified: {file}, {}", in_words(&backup))?;
    if flags.json {
        let Backup { moment, schema, tokens, values, events, bytes } = &backup;
        let (file, moment) = (file.to_string(), moment.to_string());
        let report = Report { file, moment, schema, tokens: *tokens, values: *values, events: *events, bytes: *bytes };
        writeln!(std::io::stdout(), "{}", serde_json::json!(report))?;
    }
    Ok(())
}

/// What a backup holds.
pub(super) fn in_words(backup: &Backup) -> String {
    let Backup { moment, schema, tokens, values, events, bytes } = backup;
    format!("{bytes} bytes, {tokens} tokens, {values} values, {events} audit events, schema {schema}, as of {moment}.")
}
