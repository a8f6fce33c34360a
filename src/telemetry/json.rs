//! The log as JSON: one object per line, with a stable schema, which `docs/logs.md` describes.
//!
//! Ours in place of the JSON of `tracing-subscriber`, because that has no names of events, and no schema for the lines of libraries.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Writes every event to stderr.
pub(super) struct JsonLines {
    /// Whether the lines of Rotakey say which module wrote them.
    pub(super) targets: bool,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = Line::begin(event.metadata().level().as_str());
        let target = fields.log_target.as_deref().unwrap_or(event.metadata().target());
        if is_ours(target) {
            line.add("event", event.metadata().name());
            line.add("message", fields.message.as_str());
            if self.targets {
                line.add("target", target);
            }
            fields.named.iter().for_each(|(name, value)| line.add(name, value.clone()));
        } else {
            // The names of a library's fields are not ours to promise, so they stand apart.
            line.add("message", fields.message.as_str());
            line.add("target", target);
            let named = fields.named.into_iter().map(|(name, value)| (name.to_owned(), value));
            line.add("fields", Value::Object(named.collect()));
        }
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                fields.named.iter().for_each(|(name, value)| line.add(name, value.clone()));
            }
        }
        line.write();
    }
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix("rotakey").is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// A JSON object in the making. `serde_json::Map` would sort its names, and people look for the time first.
struct Line(String);

impl Line {
    fn begin(level: &'static str) -> Self {
        let mut timestamp = String::new();
        // Writing to a `String` cannot fail.
        let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
        let mut line = Self(String::with_capacity(256));
        line.add("timestamp", timestamp);
        line.add("level", level);
        line
    }

    fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        let _ = write!(self.0, "{}:{}", Value::from(name), value.into());
    }

    /// Writes the line in one call, so that no other one gets in between. If stderr is closed, there is nowhere left to write.
    fn write(mut self) {
        self.0.push_str("}\n");
        let _ = std::io::stderr().lock().write_all(self.0.as_bytes());
    }
}

/// The fields of an event or a span.
#[derive(Default)]
struct Fields {
    message: String,
    /// The target of an event that a library wrote by the crate `log`.
    log_target: Option<String>,
    named: Vec<(&'static str, Value)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(message)) => self.message = message,
            ("log.target", Value::String(target)) => self.log_target = Some(target),
            (name, _) if name.starts_with("log.") => {}
            (name, value) => self.named.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_whatever_its_texts_contain() {
        let mut line = Line::begin("INFO");
        line.add("message", "two\nlines, \"quotes\" and \u{1b}[31m");
        line.0.push('}');
        assert!(!line.0.contains(['\n', '\u{1b}']));
        let parsed: Value = serde_json::from_str(&line.0).unwrap();
        assert_eq!(parsed["message"], "two\nlines, \"quotes\" and \u{1b}[31m");
        assert!(line.0.starts_with("{\"timestamp\":\""));
    }

    #[test]
    fn only_modules_of_rotakey_are_ours() {
        assert!(is_ours("rotakey") && is_ours("rotakey::http"));
        assert!(!is_ours("rotakey_other") && !is_ours("sqlx::query"));
    }
}
