//! The URL of the database.

use clap::Args;

use super::problems::Problems;

/// The flags of every command that uses the database.
#[derive(Args, Clone)]
pub struct DatabaseFlags {
    /// The database: sqlite://FILE, or postgres://USER@HOST/NAME for several replicas
    #[arg(long, env = "ROTAKEY_DATABASE_URL", default_value = "sqlite://rotakey.db", hide_env_values = true)]
    pub database_url: String,
}

/// The URL of the database, validated.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The URL. It may contain a password, so there is no `Display`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

impl std::fmt::Debug for DatabaseFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseFlags(…)")
    }
}

impl DatabaseFlags {
    /// Validates the URL.
    ///
    /// # Errors
    /// When Rotakey does not support it. The message does not repeat the URL, which may contain a password.
    pub fn validate(&self) -> Result<DatabaseUrl, Problems> {
        let known = ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| self.database_url.starts_with(scheme));
        if known {
            return Ok(DatabaseUrl(self.database_url.clone()));
        }
        let problem = "--database-url must start with sqlite: (a file) or postgres: (a server).";
        Err(Problems(vec![problem.to_owned()]))
    }
}
