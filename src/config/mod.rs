//! Settings: flags, their `ROTAKEY_…` environment variables, a TOML file and files with secrets, validated before the database is opened
//! or a port is bound.

mod connections;
mod database;
mod duration;
mod environment;
mod foreign_values;
mod graphql;
mod listen;
mod operator;
mod outgoing;
mod problems;
mod source;
mod tls;

use clap::Args;

use crate::domain::restriction::TrustedProxies;
use crate::domain::token::Limits;
use crate::domain::value::foreign::ForeignFormats;
use crate::domain::value_use::AddressPrecision;
use crate::http;
use crate::service::Policy;
use crate::telemetry::LogFormat;
use crate::tls::Files;

use connections::ConnectionSettings;
use duration::minutes_of;

pub use connections::ConnectionFlags;
pub use database::{DatabaseFlags, DatabaseUrl};
pub use foreign_values::ForeignValuesFlags;
pub use graphql::GraphqlFlags;
pub use listen::{Listen, MalformedListen, from_this_machine};
pub use operator::{BackupFlags, HealthCheckFlags, ImportFlags, RestoreFlags, RestoreSettings, RetireValuesFlags};
pub use outgoing::{MailFlags, MailSettings, NoticeFlags, NoticeSettings, TraceSettings, TracesFlags};
pub use problems::Problems;
pub use source::{Origin, Sources, example, read, with_source_flags};
pub use tls::TlsFlags;

/// The flags of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeFlags {
    /// The address or host name and the port to listen on. A port alone means 127.0.0.1; port 0 means any free port
    #[arg(long, env = "ROTAKEY_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Another address or name and port, such as 127.0.0.1:9464, for the metrics alone: /metrics, /healthz and /readyz, without
    /// authentication. Without it, /metrics is at --listen and needs a token with API_TOKEN_READ
    #[arg(long, env = "ROTAKEY_METRICS_LISTEN")]
    pub metrics_listen: Option<String>,
    /// TLS
    #[command(flatten)]
    pub tls: TlsFlags,
    /// The database
    #[command(flatten)]
    pub database: DatabaseFlags,
    /// The proxies whose Forwarded and X-Forwarded-For headers are trusted: addresses or CIDR blocks, separated by commas
    #[arg(long, env = "ROTAKEY_TRUSTED_PROXIES", default_value = "", hide_default_value = true)]
    pub trusted_proxies: String,
    /// The longest lifetime of a new token, such as 90d; with it, every new token needs an expiry
    #[arg(long, env = "ROTAKEY_MAX_LIFETIME")]
    pub max_lifetime: Option<String>,
    /// Whether every new token needs an expiry
    #[arg(
        long,
        env = "ROTAKEY_REQUIRE_EXPIRY",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true"
    )]
    pub require_expiry: String,
    /// The longest overlap of a new token, such as 1h
    #[arg(long, env = "ROTAKEY_MAX_OVERLAP")]
    pub max_overlap: Option<String>,
    /// How long audit events are kept, such as 365d; unlimited by default
    #[arg(long, env = "ROTAKEY_AUDIT_RETENTION")]
    pub audit_retention: Option<String>,
    /// How long a retired value is kept and refused as VALUE_RETIRED, such as 400d; after that it is unknown (UNAUTHENTICATED)
    #[arg(long, env = "ROTAKEY_RETIRED_VALUES", default_value = "400d")]
    pub retired_values: String,
    /// For how long after it missed its rotation period a token can be revived with a new value, such as 7d; 0 for never
    #[arg(long, env = "ROTAKEY_REVIVAL_WINDOW", default_value = "0")]
    pub revival_window: String,
    /// How precisely the addresses of the clients that use a value are kept, for 24 hours: full, block (the /24 of IPv4, the /48 of
    /// IPv6) or none
    #[arg(long, env = "ROTAKEY_RECORD_ADDRESSES", default_value = "block")]
    pub record_addresses: String,
    /// The formats of foreign values
    #[command(flatten)]
    pub foreign_values: ForeignValuesFlags,
    /// The limits of GraphQL requests
    #[command(flatten)]
    pub graphql: GraphqlFlags,
    /// The largest request body, in bytes
    #[arg(long, env = "ROTAKEY_MAX_BODY_BYTES", default_value = "1048576")]
    pub max_body_bytes: usize,
    /// The limits of connections, and graceful shutdown
    #[command(flatten)]
    pub connections: ConnectionFlags,
    /// How many verified values are cached in memory, at about 700 bytes each; 0 turns the cache off
    #[arg(long, env = "ROTAKEY_CACHED_VALUES", default_value = "100000")]
    pub cached_values: String,
    /// The log level, on stderr: error, warn, info, debug or trace
    #[arg(long, env = "ROTAKEY_LOG", default_value = "info")]
    pub log: String,
    /// The log format: text, or json with one object a line
    #[arg(long, env = "ROTAKEY_LOG_FORMAT", default_value = "text")]
    pub log_format: String,
    /// Notices
    #[command(flatten)]
    pub notices: NoticeFlags,
    /// Tracing
    #[command(flatten)]
    pub traces: TracesFlags,
}

/// The settings of `serve`, validated.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: Listen,
    /// Where to serve the metrics, if not with the API.
    pub metrics_listen: Option<Listen>,
    /// The files of TLS, if the API uses it.
    pub tls: Option<Files>,
    /// The URL of the database.
    pub database_url: DatabaseUrl,
    /// The settings of the endpoints.
    pub http: http::Settings,
    /// The operator's policy for tokens, and the limits of the service.
    pub policy: Policy,
    /// The formats of values that were issued elsewhere.
    pub foreign_formats: ForeignFormats,
    /// The log level.
    pub log: tracing::Level,
    /// The log format.
    pub log_format: LogFormat,
    /// Notices.
    pub notices: NoticeSettings,
    /// Tracing, if there is a collector.
    pub traces: Option<TraceSettings>,
}

impl ServeFlags {
    /// Validates all settings, for a process that may open this many file descriptors.
    ///
    /// # Errors
    /// All problems.
    pub fn validate(&self, descriptors: usize) -> Result<Settings, Problems> {
        let mut problems = Vec::new();
        let listen = self.listen.parse::<Listen>().map_err(|malformed: MalformedListen| {
            problems.push(format!("--listen must be {malformed}."));
        });
        let metrics_listen = self.metrics_listen.as_deref().map(str::parse).transpose();
        let metrics_listen = metrics_listen.unwrap_or_else(|malformed: MalformedListen| {
            problems.push(format!("--metrics-listen must be {malformed}."));
            None
        });
        if let (Ok(listen), Some(metrics_listen)) = (&listen, &metrics_listen)
            && listen == metrics_listen
            && !listen.takes_any_port()
        {
            problems.push("--metrics-listen must be another address than --listen.".to_owned());
        }
        let tls = self.tls.validate().unwrap_or_else(|Problems(more)| {
            problems.extend(more);
            None
        });
        let require_expiry = environment::boolean(&self.require_expiry).unwrap_or_else(|| {
            problems.push("--require-expiry must be one of 1, 0, true, false, yes and no.".to_owned());
            false
        });
        let log = self.log.parse().map_err(|_| {
            problems.push("--log must be one of error, warn, info, debug and trace.".to_owned());
        });
        let log_format = match self.log_format.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            _ => {
                problems.push("--log-format must be text or json.".to_owned());
                LogFormat::default()
            }
        };
        let database_url = self.database.validate().map_err(|Problems(more)| problems.extend(more));
        let trusted_proxies = TrustedProxies::parse(&self.trusted_proxies).map_err(|malformed| {
            problems
                .push(format!("--trusted-proxies must be addresses or CIDR blocks, separated by commas: {malformed}"));
        });
        let foreign_formats = self.foreign_values.validate().unwrap_or_else(|Problems(more)| {
            problems.extend(more);
            ForeignFormats::default()
        });
        let graphql = self.graphql.validate().map_err(|Problems(more)| problems.extend(more));
        let connections = self.connections.validate(descriptors).map_err(|Problems(more)| problems.extend(more));
        let notices = self.notices.validate().unwrap_or_else(|Problems(more)| {
            problems.extend(more);
            NoticeSettings::default()
        });
        let traces = self.traces.validate().unwrap_or_else(|Problems(more)| {
            problems.extend(more);
            None
        });
        if self.max_body_bytes == 0 {
            problems.push("--max-body-bytes must be at least 1.".to_owned());
        }
        let cached_values = self.cached_values.parse().unwrap_or_else(|_| {
            problems
                .push("--cached-values must be a whole number, such as 100000, or 0 to turn the cache off.".to_owned());
            Policy::CACHED_VALUES
        });
        let recorded_addresses = AddressPrecision::parse(&self.record_addresses).unwrap_or_else(|| {
            problems.push("--record-addresses must be one of full, block and none.".to_owned());
            AddressPrecision::default()
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
                require_expiry,
                max_overlap_minutes: minutes("--max-overlap", &self.max_overlap),
            },
            audit_retention_minutes: minutes("--audit-retention", &self.audit_retention),
            retired_values_minutes: minutes("--retired-values", &Some(self.retired_values.clone()))
                .unwrap_or(Policy::RETIRED_VALUES_MINUTES),
            revival_window_minutes: match self.revival_window.as_str() {
                "0" => 0,
                window => minutes("--revival-window", &Some(window.to_owned())).unwrap_or_default(),
            },
            recorded_addresses,
            cached_values,
            max_streams: self.connections.max_streams,
            max_streams_per_token: self.connections.max_streams_per_token,
            announced_refusals: notices.announced_refusals,
            campaign_interval: Policy::DEFAULT.campaign_interval,
        };
        match (listen, database_url, trusted_proxies, graphql, connections, log) {
            (Ok(listen), Ok(database_url), Ok(trusted_proxies), Ok(graphql), Ok(connections), Ok(log))
                if problems.is_empty() =>
            {
                let ConnectionSettings { max_connections, drain } = connections;
                let max_body_bytes = self.max_body_bytes;
                let max_held_bytes = http::Settings::MAX_HELD_BYTES;
                let http = http::Settings {
                    trusted_proxies,
                    max_body_bytes,
                    max_connections,
                    max_held_bytes,
                    drain,
                    tls: None,
                    traces: None,
                    graphql,
                };
                Ok(Settings {
                    listen,
                    metrics_listen,
                    tls,
                    database_url,
                    http,
                    policy,
                    foreign_formats,
                    log,
                    log_format,
                    notices,
                    traces,
                })
            }
            _ => Err(Problems(problems)),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Serve {
        #[command(flatten)]
        flags: ServeFlags,
    }

    fn flags(arguments: &[&str]) -> ServeFlags {
        Serve::parse_from(std::iter::once(&"serve").chain(arguments)).flags
    }

    #[test]
    fn every_problem_is_reported_together() {
        let arguments = [
            "--listen=here",
            "--metrics-listen=there",
            "--tls-key=key.pem",
            "--database-url=mysql://secret@host",
            "--log=loud",
            "--trusted-proxies=10.0.0.0/8,nowhere",
            "--max-lifetime=90",
            "--require-expiry=perhaps",
            "--max-overlap=30s",
            "--audit-retention=0m",
            "--retired-values=never",
            "--record-addresses=roughly",
            "--foreign-values=/nowhere/formats.toml",
            "--introspection=perhaps",
            "--graphql-timeout=0s",
            "--graphql-max-depth=0",
            "--max-body-bytes=0",
            "--cached-values=-1",
            "--max-connections=0",
            "--drain=soon",
            "--webhook-allow-networks=10.0.0.0/8,nowhere",
            "--notice-expiring=soon",
            "--notice-overlap-ending=1h,1h",
            "--notice-unused-after=90d,1d",
            "--smtp-url=smtps://secret:secret@host",
            "--otlp-endpoint=here",
            "--otlp-headers=secret",
            "--otlp-resource=production",
            "--trace-ratio=2",
            "--trace-followed-per-second=all",
        ];
        let Problems(problems) = flags(&arguments).validate(1024).unwrap_err();
        assert_eq!(problems.len(), arguments.len(), "{problems:?}");
        assert!(!problems.join(" ").contains("secret"));
    }

    #[test]
    fn the_defaults_are_valid() {
        let settings = flags(&[]).validate(1024).unwrap();
        assert_eq!(settings.http.graphql, crate::graphql::Settings::default());
        assert!(
            flags(&["--listen=[::1]:0", "--database-url=postgres://localhost/rotakey", "--log=TRACE"])
                .validate(1024)
                .is_ok()
        );
    }
}
