//! Settings: flags with `ROTAKEY_…` environment variables, validated together, before anything is opened or bound.

use std::net::SocketAddr;

use clap::Args;

/// The flags that every command which touches the database has.
#[derive(Args, Clone, Debug)]
pub struct DatabaseFlags {
    /// The database: sqlite://FILE, or postgres://USER@HOST/NAME where several replicas share the work
    #[arg(long, env = "ROTAKEY_DATABASE_URL", default_value = "sqlite://rotakey.db", hide_env_values = true)]
    pub database_url: String,
}

/// The flags of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeFlags {
    /// The address and port to listen on; port 0 takes any that is free
    #[arg(long, env = "ROTAKEY_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// The database
    #[command(flatten)]
    pub database: DatabaseFlags,
    /// How much to log on stderr: error, warn, info, debug or trace
    #[arg(long, env = "ROTAKEY_LOG", default_value = "info")]
    pub log: String,
}

/// Where the tokens are kept.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

/// The settings of `serve`, every one of them sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the tokens are kept.
    pub database_url: DatabaseUrl,
    /// How much to log.
    pub log: tracing::Level,
}

/// What is wrong with the settings: one sentence each, every problem at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Problems(pub Vec<String>);

impl DatabaseUrl {
    /// The URL. It may hold a password, so it has no `Display`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

impl ServeFlags {
    /// The settings, once each is sound.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn validate(&self) -> Result<Settings, Problems> {
        let mut problems = Vec::new();
        let listen = self.listen.parse().map_err(|_| {
            problems
                .push("--listen must be an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080.".to_owned());
        });
        let log = self.log.parse().map_err(|_| {
            problems.push("--log must be one of error, warn, info, debug and trace.".to_owned());
        });
        let database_url = self.database.validate().map_err(|Problems(more)| problems.extend(more));
        match (listen, database_url, log) {
            (Ok(listen), Ok(database_url), Ok(log)) => Ok(Settings { listen, database_url, log }),
            _ => Err(Problems(problems)),
        }
    }
}

impl DatabaseFlags {
    /// The URL, once it is of a kind that Rotakey can use.
    ///
    /// # Errors
    /// What is wrong; the URL itself is not repeated, for it may hold a password.
    pub fn validate(&self) -> Result<DatabaseUrl, Problems> {
        let known = ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| self.database_url.starts_with(scheme));
        if known {
            return Ok(DatabaseUrl(self.database_url.clone()));
        }
        let problem = "--database-url must start with sqlite: (a file) or postgres: (a server).";
        Err(Problems(vec![problem.to_owned()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(listen: &str, database_url: &str, log: &str) -> ServeFlags {
        let database = DatabaseFlags { database_url: database_url.into() };
        ServeFlags { listen: listen.into(), database, log: log.into() }
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let Problems(problems) = flags("here", "mysql://secret@host", "loud").validate().unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(!problems.join(" ").contains("secret"));
    }

    #[test]
    fn the_defaults_are_sound() {
        assert!(flags("127.0.0.1:8080", "sqlite://rotakey.db", "info").validate().is_ok());
        assert!(flags("[::1]:0", "postgres://localhost/rotakey", "TRACE").validate().is_ok());
    }
}
