//! The flags of `import`.

use std::path::PathBuf;

use clap::Args;

use crate::config::database::{DatabaseFlags, DatabaseUrl};
use crate::config::foreign_values::ForeignValuesFlags;
use crate::config::problems::Problems;
use crate::domain::value::foreign::ForeignFormats;

/// The flags of `import`.
#[derive(Args, Clone, Debug)]
pub struct ImportFlags {
    /// The file: JSON lines, or CSV whose first line names the columns
    pub file: PathBuf,
    /// Only say what is wrong with the file, and what would be imported
    #[arg(long)]
    pub check: bool,
    /// The formats
    #[command(flatten)]
    pub foreign_values: ForeignValuesFlags,
    /// The database
    #[command(flatten)]
    pub database: DatabaseFlags,
}

impl ImportFlags {
    /// The database, and the formats, of which there must be one.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn validate(&self) -> Result<(DatabaseUrl, ForeignFormats), Problems> {
        let mut problems = Vec::new();
        let database_url = self.database.validate().map_err(|Problems(more)| problems.extend(more));
        let formats = self.foreign_values.validate().map_err(|Problems(more)| problems.extend(more));
        match (database_url, formats) {
            (Ok(_), Ok(formats)) if formats.is_empty() => {
                let problem = "Name the file that describes the formats of the values: --foreign-values FILE. The servers need it as well.";
                Err(Problems(vec![problem.to_owned()]))
            }
            (Ok(database_url), Ok(formats)) => Ok((database_url, formats)),
            _ => Err(Problems(problems)),
        }
    }
}
