//! Logging to stderr. stdout is for the output of commands.

use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: time, level, request, sentence, fields.
    #[default]
    Text,
    /// For programs: one JSON object per line, with the fields of the request under `span`.
    Json,
}

/// Starts logging. Libraries only log warnings and errors, because at `trace` some of them log headers and SQL statements, which contain
/// values (R9).
pub fn start(level: Level, format: LogFormat) {
    // The module that wrote a line only helps developers.
    let targets = level >= Level::DEBUG;
    // rustls warns of what clients do, so anyone who can connect could fill the log.
    let tls = if targets { Level::WARN } else { Level::ERROR };
    let filter = Targets::new().with_default(Level::WARN.min(level));
    let filter = filter.with_target("rustls", tls).with_target("rotakey", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(targets);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    // It only fails if logging was already started, which is fine.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
