//! Logs, on stderr. Standard output belongs to what a command was asked for.

use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: time, level, request, sentence, fields.
    #[default]
    Text,
    /// For programs: one JSON object a line, the fields of the request under `span`.
    Json,
}

/// Starts logging. Libraries never log below a warning: at `trace` some of them print the headers and statements that pass
/// through them, and with these the values (R9).
pub fn start(level: Level, format: LogFormat) {
    let filter = Targets::new().with_default(Level::WARN.min(level)).with_target("rotakey", level);
    // Where in the code a line was written is for developers alone.
    let targets = level >= Level::DEBUG;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(targets);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    // It fails only where logging has already been started, which is then as good.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
