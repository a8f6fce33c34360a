//! Logging to stderr. stdout is for the output of commands.

mod json;

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use json::JsonLines;

/// Whether stderr has nothing but JSON.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: time, level, request, sentence, fields.
    #[default]
    Text,
    /// For programs: one JSON object per line, as `docs/logs.md` describes it.
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
    let lines = match format {
        LogFormat::Text => {
            tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false).with_target(targets).boxed()
        }
        LogFormat::Json => JsonLines { targets }.boxed(),
    };
    // It only fails if logging was already started, which is fine.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    if format == LogFormat::Json {
        IS_JSON.store(true, Ordering::Relaxed);
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(tracing::field::display);
            let cause = panic.payload_as_str();
            tracing::error!(name: "panicked", location, cause, "a task panicked, which is a bug");
        }));
    }
}

/// Reports why the process fails: as a line of the log if that is JSON, and otherwise as text. If stderr is closed as well, there is
/// nowhere left to write.
pub fn report_failure(message: &str) {
    if IS_JSON.load(Ordering::Relaxed) {
        tracing::error!(name: "failed", cause = message, "the server could not start, or failed");
    } else {
        let _ = writeln!(io::stderr(), "rotakey: {message}");
    }
}
