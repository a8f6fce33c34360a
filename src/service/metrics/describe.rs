//! The metrics of the use cases: what was counted, and what is known of the database without asking it.

use crate::metrics::{Exposition, Family};
use crate::service::{Readiness, Service};

impl Service {
    /// Describes the use cases and the database. Asks nothing of the database; the tokens are counted in the background, once
    /// this was called ([`Service::keep_statistics`]).
    pub fn describe(&self, exposition: &mut Exposition) {
        self.counts.describe(exposition);
        let (cached, unknown) = self.cache.len();
        exposition.add(
            Family::gauge(
                "rotakey_cache_entries",
                "Values in the cache: those of tokens, and texts that are the value of no token.",
            )
            .by("kind", [("known", cached), ("unknown", unknown)]),
        );
        exposition.add(
            Family::gauge("rotakey_cache_entries_max", "How many values of tokens the cache holds (--cached-values).")
                .sample([], self.policy.cached_values),
        );
        self.describe_contact(exposition);
        exposition.add(
            Family::gauge("rotakey_streams", "Open event streams and WebSockets.").sample([], self.streams.count()),
        );
        exposition.add(
            Family::gauge("rotakey_streams_max", "How many event streams and WebSockets may be open (--max-streams).")
                .sample([], self.policy.max_streams),
        );
        exposition.add(
            Family::gauge("rotakey_uses_pending", "Users of values whose uses are yet to be written to the database.")
                .sample([], self.uses.len()),
        );
        self.statistics.describe(exposition);
        self.attempts.describe(exposition);
        self.backlog.describe(exposition);
        self.mail.describe(exposition);
        self.store.describe(exposition);
    }

    fn describe_contact(&self, exposition: &mut Exposition) {
        let Readiness { database, contact, schema } = self.readiness();
        exposition.add(
            Family::gauge("rotakey_ready", "Whether a check of /readyz holds, 1 or 0.")
                .by("check", [("database", database), ("contact", contact), ("schema", schema)]),
        );
        let mut age = Family::gauge(
            "rotakey_database_contact_age_seconds",
            "Time since the last moment up to which all commits of all replicas are known. Beyond 10 seconds nothing is answered from the cache.",
        );
        if let Some(age_millis) = self.contact.age_millis(self.time.monotonic_millis()) {
            age = age.sample([], millis(age_millis));
        }
        exposition.add(age);
        exposition.add(
            Family::counter("rotakey_database_contact_losses", "How often contact with the database was lost.")
                .sample([], self.contact.losses()),
        );
        exposition.add(
            Family::gauge(
                "rotakey_clock_offset_seconds",
                "The clock of this host minus the clock of the database, which all rules use.",
            )
            .sample([], millis(self.time.ahead_millis())),
        );
    }
}

/// In seconds.
#[expect(clippy::cast_precision_loss, reason = "a double holds the milliseconds of 285,000 years")]
fn millis(millis: i64) -> f64 {
    millis as f64 / 1_000.0
}
