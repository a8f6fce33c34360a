//! Logs, on stderr. Standard output belongs to what a command was asked for.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging. Libraries never log below a warning: at `trace` some of them print the headers and statements that pass
/// through them, and with these the values (R9).
pub fn start(level: Level) {
    let filter = Targets::new().with_default(Level::WARN.min(level)).with_target("rotakey", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    // It fails only where logging has already been started, which is then as good.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
