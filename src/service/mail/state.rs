//! What this process knows of mail.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::Notify;

use crate::metrics::Exposition;

use super::counts::{KnownMailBacklog, MailCounts};

/// What this process knows of mail.
#[derive(Clone, Default)]
pub(in crate::service) struct MailState {
    /// Whether it has a mail server.
    pub(super) sends: bool,
    /// Whether it has said that there are digests, and no mail server.
    pub(super) has_warned: Arc<AtomicBool>,
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

    /// Describes mail, if this process sends any, or there are digests that it cannot send.
    pub(in crate::service) fn describe(&self, exposition: &mut Exposition) {
        if self.sends || self.backlog.has_digests() {
            self.counts.describe(exposition);
            self.backlog.describe(exposition);
        }
    }
}
