//! The flags of `backup` and `restore`.

use std::path::PathBuf;

use clap::Args;

use crate::config::database::{DatabaseFlags, DatabaseUrl};
use crate::config::problems::Problems;
use crate::domain::timestamp::{MalformedTimestamp, Timestamp};
use crate::service::RetireSince;

const POSTGRES_BACKUP: &str = "rotakey backup copies a SQLite database. Back up PostgreSQL by its own tools: \
                               pg_dump --format=custom --file=rotakey.dump \"$ROTAKEY_DATABASE_URL\"";
const POSTGRES_RESTORE: &str = "rotakey restore FILE restores a SQLite database. Restore PostgreSQL by its own tools: pg_restore \
                                --clean --if-exists --single-transaction --dbname=\"$ROTAKEY_DATABASE_URL\" rotakey.dump. Then retire the values that \
                                work again: rotakey restore --retire-since now";

/// The flags of `backup`.
#[derive(Args, Clone, Debug)]
pub struct BackupFlags {
    /// The file to write. It gets this name only when it is complete, verified and durable
    pub file: PathBuf,
    /// Replace FILE if it exists
    #[arg(long)]
    pub force: bool,
    /// Print what the backup contains as JSON on stdout
    #[arg(long)]
    pub json: bool,
    /// The database
    #[command(flatten)]
    pub database: DatabaseFlags,
}

/// The flags of `restore`.
#[derive(Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
pub struct RestoreFlags {
    /// A file that `rotakey backup` wrote. Without it, the command only retires values, in a database that was restored already
    #[arg(required_unless_present = "retire_since")]
    pub file: Option<PathBuf>,
    /// Retire all values issued until this moment: the time of the backup, or any later time before a server uses the restored
    /// database, such as `now`
    #[arg(long, value_name = "MOMENT")]
    pub retire_since: Option<String>,
    /// Replace an existing database. The old one is kept under another name
    #[arg(long, requires = "file")]
    pub force: bool,
    /// The database
    #[command(flatten)]
    pub database: DatabaseFlags,
}

/// The settings of `restore`, validated.
#[derive(Clone, Debug)]
pub enum RestoreSettings {
    /// A file becomes the database.
    File {
        /// The backup.
        file: PathBuf,
        /// Whether a database that exists is replaced.
        force: bool,
        /// Retires the values that were issued by then.
        retire_since: Option<RetireSince>,
        /// The database.
        database_url: DatabaseUrl,
    },
    /// The database was restored already.
    Restored {
        /// Retires the values that were issued by then.
        retire_since: RetireSince,
        /// The database.
        database_url: DatabaseUrl,
    },
}

impl BackupFlags {
    /// The database, which must be a file.
    ///
    /// # Errors
    /// What is wrong.
    pub fn validate(&self) -> Result<DatabaseUrl, Problems> {
        let database_url = self.database.validate()?;
        if is_file(&database_url) { Ok(database_url) } else { Err(Problems(vec![POSTGRES_BACKUP.to_owned()])) }
    }
}

impl RestoreFlags {
    /// What is to be restored.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn validate(&self) -> Result<RestoreSettings, Problems> {
        let mut problems = Vec::new();
        let database_url = self.database.validate().map_err(|Problems(more)| problems.extend(more));
        let retire_since = self.retire_since.as_deref().map(moment).transpose().map_err(|_| {
            let problem = "--retire-since must be `now`, or a date and time with its offset from UTC, such as \
                           2026-11-01T00:00:00Z.";
            problems.push(problem.to_owned());
        });
        let (Ok(database_url), Ok(retire_since)) = (database_url, retire_since) else { return Err(Problems(problems)) };
        match (self.file.clone(), retire_since) {
            (Some(file), retire_since) if is_file(&database_url) => {
                Ok(RestoreSettings::File { file, force: self.force, retire_since, database_url })
            }
            (Some(_), _) => Err(Problems(vec![POSTGRES_RESTORE.to_owned()])),
            (None, Some(retire_since)) => Ok(RestoreSettings::Restored { retire_since, database_url }),
            (None, None) => Err(Problems(vec!["Name a backup, or give --retire-since, or both.".to_owned()])),
        }
    }
}

fn moment(text: &str) -> Result<RetireSince, MalformedTimestamp> {
    if text == "now" { Ok(RetireSince::Now) } else { Timestamp::parse(text).map(RetireSince::Moment) }
}

fn is_file(url: &DatabaseUrl) -> bool {
    url.as_str().starts_with("sqlite:")
}
