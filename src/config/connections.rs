//! The limits of connections and streams, and how long the server drains.

use std::time::Duration;

use clap::Args;

use super::problems::Problems;

/// The default maximum of open connections, if there are enough file descriptors.
const MAX_CONNECTIONS: usize = 4_096;
/// The file descriptors that are reserved for the database, the log and the listener.
const RESERVED_DESCRIPTORS: usize = 64;

/// The flags for connections.
#[derive(Args, Clone, Debug)]
pub struct ConnectionFlags {
    /// How many connections may be open, such as 10000. Beyond that, a new one replaces an idle one, or waits. Default: 4096, or fewer
    /// if the hard limit of open files is lower
    #[arg(long, env = "ROTAKEY_MAX_CONNECTIONS")]
    pub max_connections: Option<usize>,
    /// How many event streams and WebSockets may be open, for all tokens together
    #[arg(long, env = "ROTAKEY_MAX_STREAMS", default_value = "1000")]
    pub max_streams: u32,
    /// How many event streams and WebSockets one token may have; each subscription on a WebSocket counts as one more
    #[arg(long, env = "ROTAKEY_MAX_STREAMS_PER_TOKEN", default_value = "100")]
    pub max_streams_per_token: u32,
    /// How long requests are still accepted after SIGTERM, while /readyz answers 503, such as 10s
    #[arg(long, env = "ROTAKEY_DRAIN", default_value = "0s")]
    pub drain: String,
}

/// The settings of connections, validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionSettings {
    pub(super) max_connections: usize,
    pub(super) drain: Duration,
}

impl ConnectionFlags {
    /// Validates the flags, for a process that may open this many file descriptors.
    pub(super) fn validate(&self, descriptors: usize) -> Result<ConnectionSettings, Problems> {
        let mut problems = Vec::new();
        let most = descriptors.saturating_sub(RESERVED_DESCRIPTORS).max(1);
        let max_connections = self.max_connections.unwrap_or(MAX_CONNECTIONS.min(most));
        if !(1..=most).contains(&max_connections) {
            problems.push(format!(
                "--max-connections must be 1 to {most}, because the process may open {descriptors} files. For more, raise the limit of \
                 open files (ulimit -n, LimitNOFILE)."
            ));
        }
        let drain = humantime::parse_duration(&self.drain).unwrap_or_else(|_| {
            problems.push("--drain must be a duration, such as 10s, or 0s to stop at once.".to_owned());
            Duration::ZERO
        });
        if problems.is_empty() { Ok(ConnectionSettings { max_connections, drain }) } else { Err(Problems(problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_descriptors_are_reserved() {
        let most = |max_connections, descriptors| {
            let drain = "0s".to_owned();
            let flags = ConnectionFlags { max_connections, max_streams: 1, max_streams_per_token: 1, drain };
            flags.validate(descriptors).map(|settings| settings.max_connections).ok()
        };
        assert_eq!(most(None, 1_000_000), Some(4_096));
        assert_eq!(most(None, 256), Some(192));
        assert_eq!(most(None, 10), Some(1));
        assert_eq!(most(Some(192), 256), Some(192));
        assert_eq!(most(Some(193), 256), None);
        assert_eq!(most(Some(0), 256), None);
    }
}
