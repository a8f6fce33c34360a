//! Which requests of the servers in this process were served by waiting: each of those has a span, in which it is logged. An answer
//! without waiting has none.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::{LazyLock, Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static BEGUN: OnceLock<()> = OnceLock::new();
static WAITED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Takes note of every request's span from here on, in all tests of the process.
pub fn record() {
    BEGUN.get_or_init(|| tracing::subscriber::set_global_default(Spans).unwrap());
}

/// Whether the request of this id had a span.
pub fn waited(request_id: &str) -> bool {
    assert!(BEGUN.get().is_some(), "nothing takes note of spans");
    WAITED.lock().unwrap().contains(request_id)
}

struct Spans;

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.name() == "request"
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut RequestId);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct RequestId;

impl Visit for RequestId {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "request_id" {
            WAITED.lock().unwrap().insert(format!("{value:?}"));
        }
    }
}
