//! The flags of `retire-values`.

use clap::Args;

use crate::config::database::{DatabaseFlags, DatabaseUrl};
use crate::config::problems::Problems;
use crate::domain::timestamp::Timestamp;

/// The flags of `retire-values`.
#[derive(Args, Clone, Debug)]
pub struct RetireValuesFlags {
    /// A date and time, such as 2026-11-01T00:00:00Z; values issued before it no longer work
    #[arg(long)]
    pub issued_before: String,
    /// The database
    #[command(flatten)]
    pub database: DatabaseFlags,
}

impl RetireValuesFlags {
    /// Validates the flags.
    ///
    /// # Errors
    /// All problems.
    pub fn validate(&self) -> Result<(DatabaseUrl, Timestamp), Problems> {
        let mut problems = Vec::new();
        let database_url = self.database.validate().map_err(|Problems(more)| problems.extend(more));
        let issued_before = Timestamp::parse(&self.issued_before).map_err(|_| {
            let problem =
                "--issued-before must be a date and time with its offset from UTC, such as 2026-11-01T00:00:00Z.";
            problems.push(problem.to_owned());
        });
        match (database_url, issued_before) {
            (Ok(database_url), Ok(issued_before)) => Ok((database_url, issued_before)),
            _ => Err(Problems(problems)),
        }
    }
}
