//! What this process knows of mail.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::metrics::Exposition;

use super::counts::{KnownMailBacklog, MailCounts};

/// What this process knows of mail.
#[derive(Clone, Default)]
pub(in crate::service) struct MailState {
    /// Whether it has a mail server.
    pub(super) sends: bool,
    /// Wakes the sender when a mail was made due.
    pub(super) due: Arc<Notify>,
    pub(super) counts: Arc<MailCounts>,
    pub(super) backlog: Arc<KnownMailBacklog>,
}

impl MailState {
    /// The same, with or without a mail server.
    pub(in crate::service) fn sending(self, sends: bool) -> Self {
        Self { sends, ..self }
    }

    /// Describes the mail of this process, if it sends any.
    pub(in crate::service) fn describe(&self, exposition: &mut Exposition) {
        if self.sends {
            self.counts.describe(exposition);
            self.backlog.describe(exposition);
        }
    }
}
