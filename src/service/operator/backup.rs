//! The operator's backup of a SQLite database, and what is restored from one.

use std::path::{Path, PathBuf};

use crate::clock::SharedClock;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::rule::retire_values::issued_by;
use crate::domain::timestamp::Timestamp;
use crate::entropy::SharedEntropy;
use crate::service::{Error, Policy, Service};
use crate::store::{self, Contents, Replaced, Restoration, Store};

use super::retire_values::RetiredValues;

/// Why a backup or a restore failed. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be used or written.
    #[error("Cannot use {0}")]
    File(#[from] store::Error),
    /// The values were not retired.
    #[error(transparent)]
    Values(#[from] Error),
    /// The moment is before the last change of the backup.
    #[error(
        "--retire-since must not be before {0}, the last change that the backup holds: values issued until then may have been \
         rotated away or revoked since."
    )]
    TooEarly(Timestamp),
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Every change that was acknowledged by this moment is in it.
    pub moment: Timestamp,
    /// The last migration of its schema.
    pub schema: String,
    /// How many API tokens, revoked and expired ones included.
    pub tokens: u64,
    /// How many values of them, retired ones included.
    pub values: u64,
    /// How many audit events.
    pub events: u64,
    /// The size of the file.
    pub bytes: u64,
}

/// The moment of a backup, or any later one until the restored database is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetireSince {
    /// The present, by the database's clock.
    Now,
    /// This moment.
    Moment(Timestamp),
}

/// What is restored, and how.
#[derive(Clone, Debug)]
pub struct RestoreRequest {
    /// The URL of the SQLite database.
    pub database_url: String,
    /// The file of the backup.
    pub file: PathBuf,
    /// Whether a database that is there already is replaced.
    pub replace: bool,
    /// Retires the values that were issued by then.
    pub retire_since: Option<RetireSince>,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The file of the database.
    pub path: PathBuf,
    /// What the backup held.
    pub backup: Backup,
    /// Where the database is that was there before.
    pub kept: Option<PathBuf>,
    /// What was retired, if that was asked for.
    pub retired: Option<RetiredValues>,
}

impl Backup {
    /// Its moment is not before this one, nor before its own last change.
    fn of(contents: Contents, moment: Timestamp) -> Self {
        let Contents { last_change, schema, tokens, values, events, bytes } = contents;
        let moment = last_change.map_or(moment, |last_change| last_change.max(moment));
        Self { moment, schema, tokens, values, events, bytes }
    }
}

/// Backs up the SQLite database at this URL to a file, while a server uses it.
///
/// # Errors
/// When the database or the file cannot be used, or the copy is damaged.
pub async fn back_up(
    database_url: &str,
    file: &Path,
    overwrite: bool,
    clock: &SharedClock,
) -> Result<Backup, BackupError> {
    // Before the copy begins, so that whatever was acknowledged by then is in it.
    let moment = Timestamp::from_unix_millis(clock.now_unix_millis());
    Ok(Backup::of(Store::back_up(database_url, file, overwrite).await?, moment))
}

/// Puts a backup in the place of a SQLite database. Everything is done to a copy of the backup first, so if this fails,
/// the database is as it was, and a restored database has no value that was to be retired. If it is killed while files are renamed at
/// the end, there may be no database of that name; then no server starts until a restore has finished.
///
/// # Errors
/// When the backup or the database cannot be used, or the values cannot be retired.
pub async fn restore(
    request: RestoreRequest,
    clock: SharedClock,
    entropy: SharedEntropy,
) -> Result<Restored, BackupError> {
    let RestoreRequest { database_url, file, replace, retire_since } = request;
    let restoration = Restoration::begin(&database_url, &file, replace).await?;
    let backup = Backup::of(restoration.backup().clone(), Timestamp::MIN);
    if let Some(RetireSince::Moment(since)) = retire_since
        && since < backup.moment
    {
        return Err(BackupError::TooEarly(backup.moment));
    }
    let service = Service::open(restoration.open().await?, clock, entropy, Policy::default()).await?;
    let retired = match retire_since {
        // Every value of the copy comes from the backup, also if the clock of this host is behind.
        Some(RetireSince::Now) => Some(service.retire_all(issued_by(service.now().max(backup.moment))).await?),
        Some(since) => Some(service.retire_since(since).await?.0),
        None => None,
    };
    let now = service.now();
    service.close().await?;
    let Replaced { path, contents: _, kept } = restoration.finish(now).await?;
    Ok(Restored { path, backup, kept, retired })
}

impl Service {
    /// Retires the values that a restored backup brought back: all that were issued by this moment. Those that were issued later are
    /// kept; the second answer is when the first of them was issued, if there is any.
    ///
    /// # Errors
    /// As for [`Service::retire_values`].
    pub async fn retire_since(&self, since: RetireSince) -> Result<(RetiredValues, Option<Timestamp>), Error> {
        let now = self.now();
        let backup = match since {
            RetireSince::Now => now,
            RetireSince::Moment(moment) => moment,
        };
        if backup > now {
            let message = format!("--retire-since must not be later than now, which by the database's clock is {now}.");
            return Err(InvalidInput::new("retireSince", message).into());
        }
        let retired = self.retire_all(issued_by(backup)).await?;
        Ok((retired, self.store.first_value_since(issued_by(backup)).await?))
    }
}
