//! The waiting requests for the writing connection of SQLite, in order, and which of them are executed together.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use crate::store::file::database_file::DatabaseFile;

use super::slot::{ChainRequest, Requested, WriteRequest};

/// The requests, as the task takes them.
pub(super) struct Requests {
    sent: mpsc::UnboundedReceiver<WriteRequest>,
    /// Those that were received and have not been taken yet.
    waiting: VecDeque<WriteRequest>,
    file: DatabaseFile,
}

impl Requests {
    pub(super) fn new(sent: mpsc::UnboundedReceiver<WriteRequest>, file: DatabaseFile) -> Self {
        Self { sent, waiting: VecDeque::new(), file }
    }

    /// Waits for the next request that is admitted; `None` if there will be none.
    pub(super) async fn wait(&mut self) -> Option<Requested> {
        loop {
            if let Some(request) = self.next() {
                return Some(request);
            }
            self.waiting.push_back(self.sent.recv().await?);
        }
    }

    /// The next request that is admitted, if one is waiting.
    pub(super) fn next(&mut self) -> Option<Requested> {
        self.waiting.extend(std::iter::from_fn(|| self.sent.try_recv().ok()));
        std::iter::from_fn(|| self.waiting.pop_front()).find_map(|request| Some(request.admitted(&self.file)?.kind))
    }

    /// This chain, and others of the same statements that are waiting, in order: as many as are executed in one round trip.
    pub(super) fn batch(&mut self, first: ChainRequest) -> Vec<ChainRequest> {
        let is_alike = |request: &WriteRequest| match &request.kind {
            Requested::Chain(other) => other.chain.has_statements_of(&first.chain),
            Requested::Slot(_) => false,
        };
        let alike: Vec<usize> =
            (0..self.waiting.len()).filter(|place| self.waiting.get(*place).is_some_and(is_alike)).collect();
        let others = first.chain.count_together(alike.len() + 1) - 1;
        let mut batch = vec![first];
        for (removed, place) in alike.into_iter().take(others).enumerate() {
            let request = self.waiting.remove(place - removed).and_then(|request| request.admitted(&self.file));
            if let Some(Requested::Chain(request)) = request.map(|request| request.kind) {
                batch.push(request);
            }
        }
        batch
    }
}
