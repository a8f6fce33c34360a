//! A mail digest, and whether it works.

use super::settings::MailDigestSettings;
use crate::domain::delivery::LONGEST_PAUSE_MINUTES;
use crate::domain::id::MailDigestId;
use crate::domain::text::names;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor;

/// A mail digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailDigest {
    /// Its identity.
    pub id: MailDigestId,
    /// The settings.
    pub settings: MailDigestSettings,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: Actor,
    /// When its settings were last changed, and by whom.
    pub updated: Option<(Timestamp, Actor)>,
    /// The end of the period that it is in, or whose mail is being sent.
    pub period_ends_at: Timestamp,
    /// When a mail is sent next, if there are notices.
    pub next_attempt_at: Timestamp,
    /// When the mail server last accepted a mail.
    pub last_success_at: Option<Timestamp>,
    /// When it last did not, and why. The text repeats nothing that the mail server sent.
    pub last_failure: Option<(Timestamp, Box<str>)>,
    /// Since when it has accepted no mail, although some were sent.
    pub failing_since: Option<Timestamp>,
}

/// Whether a mail digest works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailDigestStatus {
    /// The mail server accepted the last mail, or none was sent yet.
    Active,
    /// The mail server did not accept the last mail.
    Failing,
}

names! {
    MailDigestStatus {
        Active => "ACTIVE",
        Failing => "FAILING",
    }
}

impl MailDigest {
    /// A new digest, in its first period.
    pub fn new(id: MailDigestId, settings: MailDigestSettings, created_at: Timestamp, created_by: Actor) -> Self {
        let period_ends_at = settings.schedule.next_after(created_at);
        Self {
            id,
            settings,
            created_at,
            created_by,
            updated: None,
            period_ends_at,
            next_attempt_at: period_ends_at,
            last_success_at: None,
            last_failure: None,
            failing_since: None,
        }
    }

    /// The digest with these settings, since then and by this actor. With another schedule, a new period begins. With another address, a mail that is
    /// being sent is sent there at once.
    #[must_use]
    pub fn changed(&self, settings: MailDigestSettings, (now, by): (Timestamp, Actor)) -> Self {
        let is_sending = self.next_attempt_at != self.period_ends_at;
        let moves = settings.address != self.settings.address;
        let mut changed = Self { updated: Some((now, by)), ..self.clone() };
        if settings.schedule != self.settings.schedule {
            changed.period_ends_at = settings.schedule.next_after(now);
        }
        changed.next_attempt_at = match (is_sending, moves) {
            (false, _) => changed.period_ends_at,
            (true, false) => self.next_attempt_at,
            (true, true) => now,
        };
        Self { settings, ..changed }
    }

    /// The digest in the period that it is now, if the clock that wrote its times was ahead; `None` if it was not. A mail that is being sent is
    /// sent again at once.
    pub fn put_back(&self, now: Timestamp) -> Option<Self> {
        let latest = self.settings.schedule.next_after(now.plus_minutes(LONGEST_PAUSE_MINUTES));
        if self.next_attempt_at.max(self.period_ends_at) <= latest {
            return None;
        }
        let is_sending = self.next_attempt_at != self.period_ends_at;
        let period_ends_at = self.period_ends_at.min(self.settings.schedule.next_after(now));
        let next_attempt_at = if is_sending { now } else { period_ends_at };
        Some(Self { period_ends_at, next_attempt_at, ..self.clone() })
    }

    /// Whether it works.
    pub fn status(&self) -> MailDigestStatus {
        if self.failing_since.is_some() { MailDigestStatus::Failing } else { MailDigestStatus::Active }
    }
}
