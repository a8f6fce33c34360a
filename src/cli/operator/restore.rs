//! `rotakey restore`: puts a backup in the place of a SQLite database, and retires the values that work again after a restore.

use std::io::Write;

use crate::app;
use crate::config::{RestoreFlags, RestoreSettings, Sources};
use crate::service::{self, Policy, RestoreRequest, Restored};

use super::backup::in_words;
use super::retire_values::report_retired;
use crate::cli::clock_and_entropy::system;
use crate::cli::error::Error;

pub(crate) async fn run(flags: &RestoreFlags, sources: &Sources) -> Result<(), Error> {
    let (clock, entropy) = system();
    match sources.check(flags.validate())? {
        RestoreSettings::File { file, force, retire_since, database_url } => {
            let name = file.display().to_string();
            let database_url = database_url.as_str().to_owned();
            let request = RestoreRequest { database_url, file, replace: force, retire_since };
            let restored = service::restore(request, clock, entropy).await?;
            report(&name, &restored)?;
        }
        RestoreSettings::Restored { retire_since, database_url } => {
            let service = app::open_existing(&database_url, clock, entropy, Policy::default()).await?;
            let (retired, kept) = service.retire_since(retire_since).await?;
            service.close().await.map_err(app::Error::Closing)?;
            report_retired(retired)?;
            if let Some(first) = kept {
                writeln!(
                    std::io::stderr(),
                    "Values that were issued after that moment were kept; the first is of {first}. If no server has run since the \
                     restore, they are of the backup, too: run this again with a later moment, or `now`."
                )?;
            }
        }
    }
    Ok(())
}

fn report(backup: &str, restored: &Restored) -> Result<(), std::io::Error> {
    let Restored { path, backup: held, kept, retired } = restored;
    let mut stderr = std::io::stderr();
    writeln!(stderr, "Restored {} from {backup}: {}", path.display(), in_words(held))?;
    if let Some(kept) = kept {
        writeln!(stderr, "The database that was there is kept: {}", kept.display())?;
    }
    match retired {
        Some(retired) => report_retired(*retired),
        None => writeln!(
            stderr,
            "Values that were rotated away since then work again, and so do tokens that were revoked. Before you start a server, \
             retire them: rotakey restore --retire-since {}",
            held.moment
        ),
    }
}
