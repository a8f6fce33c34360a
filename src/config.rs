//! Settings: flags with `ROTAKEY_…` environment variables, validated together, before anything is opened or bound.

use std::net::SocketAddr;

use clap::Args;

use crate::domain::settings::Limits;
use crate::domain::trusted_proxies::TrustedProxies;
use crate::service::Policy;

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
    /// The proxies whose forwarding headers are believed: addresses or CIDR blocks, separated by commas
    #[arg(long, env = "ROTAKEY_TRUSTED_PROXIES", default_value = "", hide_default_value = true)]
    pub trusted_proxies: String,
    /// The longest life of a token, such as 90d; tokens without expiry are then refused
    #[arg(long, env = "ROTAKEY_MAX_LIFETIME")]
    pub max_lifetime: Option<String>,
    /// Whether every token must have an expiry
    #[arg(long, env = "ROTAKEY_REQUIRE_EXPIRY")]
    pub require_expiry: bool,
    /// The longest overlap after a rotation, such as 1h
    #[arg(long, env = "ROTAKEY_MAX_OVERLAP")]
    pub max_overlap: Option<String>,
    /// For how long audit events are kept, such as 365d; for ever if not given
    #[arg(long, env = "ROTAKEY_AUDIT_RETENTION")]
    pub audit_retention: Option<String>,
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
    /// Whose forwarding headers are believed.
    pub trusted_proxies: TrustedProxies,
    /// What the operator decides.
    pub policy: Policy,
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
        let trusted_proxies = TrustedProxies::parse(&self.trusted_proxies).map_err(|malformed| {
            problems
                .push(format!("--trusted-proxies must be addresses or CIDR blocks, separated by commas: {malformed}"));
        });
        let mut minutes = |flag: &str, text: &Option<String>| {
            let parsed = text.as_deref().map(minutes_of).transpose();
            parsed.unwrap_or_else(|()| {
                problems.push(format!("{flag} must be a duration of whole minutes, such as 90d, 12h or 30m."));
                None
            })
        };
        let policy = Policy {
            limits: Limits {
                max_lifetime_minutes: minutes("--max-lifetime", &self.max_lifetime),
                require_expiry: self.require_expiry,
                max_overlap_minutes: minutes("--max-overlap", &self.max_overlap),
            },
            audit_retention_minutes: minutes("--audit-retention", &self.audit_retention),
        };
        match (listen, database_url, trusted_proxies, log) {
            (Ok(listen), Ok(database_url), Ok(trusted_proxies), Ok(log)) if problems.is_empty() => {
                Ok(Settings { listen, database_url, trusted_proxies, policy, log })
            }
            _ => Err(Problems(problems)),
        }
    }
}

/// A duration in whole minutes, at least one.
fn minutes_of(text: &str) -> Result<u32, ()> {
    let seconds = humantime::parse_duration(text).map_err(|_| ())?.as_secs();
    let minutes = u32::try_from(seconds / 60).map_err(|_| ())?;
    if seconds % 60 == 0 && minutes > 0 { Ok(minutes) } else { Err(()) }
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
        ServeFlags {
            listen: listen.into(),
            database,
            trusted_proxies: String::new(),
            max_lifetime: None,
            require_expiry: false,
            max_overlap: None,
            audit_retention: None,
            log: log.into(),
        }
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let mut flags = flags("here", "mysql://secret@host", "loud");
        flags.trusted_proxies = "10.0.0.0/8,nowhere".into();
        flags.max_lifetime = Some("90".into());
        flags.max_overlap = Some("30s".into());
        flags.audit_retention = Some("0m".into());
        let Problems(problems) = flags.validate().unwrap_err();
        assert_eq!(problems.len(), 7, "{problems:?}");
        assert!(!problems.join(" ").contains("secret"));
    }

    #[test]
    fn the_defaults_are_sound() {
        assert!(flags("127.0.0.1:8080", "sqlite://rotakey.db", "info").validate().is_ok());
        assert!(flags("[::1]:0", "postgres://localhost/rotakey", "TRACE").validate().is_ok());
    }
}
