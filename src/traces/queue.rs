//! The spans that wait for the collector. Their number is bounded, and adding never waits: what does not fit is dropped and counted.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::Notify;

use crate::metrics::{Counter, Exposition, Family};

/// How many spans may wait. A span has at most about 2 KB.
const MAX_SPANS: usize = 4_096;
/// How many are sent together.
pub(super) const BATCH: usize = 512;

/// The waiting spans, and what became of the others.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<VecDeque<Span>>,
    /// Notified when there are enough for a batch.
    pub(super) full_batch: Notify,
    /// Those that the collector has accepted.
    pub(super) exported: Counter,
    /// Those for which there was no room, or no time at the end.
    pub(super) dropped: Counter,
    /// Those that the collector has refused.
    pub(super) rejected: Counter,
}

impl Queue {
    /// Adds the spans of one trace, or drops all of them.
    pub(super) fn add(&self, spans: Vec<Span>) {
        let mut waiting = self.waiting();
        if waiting.len() + spans.len() > MAX_SPANS {
            self.dropped.add(spans.len() as u64);
            return;
        }
        waiting.extend(spans);
        if waiting.len() >= BATCH {
            self.full_batch.notify_one();
        }
    }

    /// Takes the oldest spans; none if none wait.
    pub(super) fn take_batch(&self) -> Vec<Span> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(BATCH);
        waiting.drain(..count).collect()
    }

    /// Drops everything.
    pub(super) fn drop_all(&self) {
        let dropped = std::mem::take(&mut *self.waiting());
        self.dropped.add(dropped.len() as u64);
    }

    pub(super) fn describe(&self, exposition: &mut Exposition) {
        let outcomes = [("exported", &self.exported), ("dropped", &self.dropped), ("rejected", &self.rejected)];
        exposition.add(
            Family::counter(
                "rotakey_trace_spans",
                "Spans by what became of them: exported to the collector, dropped for lack of room or time, or rejected by it.",
            )
            .by("outcome", outcomes.map(|(outcome, counter)| (outcome, counter.get()))),
        );
        exposition.add(
            Family::gauge("rotakey_trace_spans_pending", "Spans that wait for the collector; 4096 at most.")
                .sample([], self.waiting().len()),
        );
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Span>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let queue = Queue::default();
        for _ in 0..MAX_SPANS / 2 + 10 {
            queue.add(vec![Span::default(), Span::default()]);
        }
        assert_eq!((queue.waiting().len(), queue.dropped.get()), (MAX_SPANS, 20));
        assert_eq!(queue.take_batch().len(), BATCH);
        queue.add(vec![Span::default()]);
        queue.drop_all();
        assert_eq!(queue.take_batch(), []);
        assert_eq!(queue.dropped.get(), (20 + MAX_SPANS - BATCH + 1) as u64);
    }
}
