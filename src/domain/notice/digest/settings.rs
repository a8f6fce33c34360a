//! The settings of a mail digest: where it is sent and when, and which notices are in it.

use super::address;
use super::schedule::{MailDigestFrequency, Schedule, minute_of_day};
use crate::domain::invalid_input::InvalidInput;
use crate::domain::notice::kind::NoticeKind;
use crate::domain::notice::webhook::{Kinds, owners};
use crate::domain::text::description;

/// The most mail digests that there may be. All of them are looked at whenever a notice is written.
pub const MAX_MAIL_DIGESTS: u64 = 100;

/// The settings of a mail digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailDigestSettings {
    /// Where it is sent.
    pub address: Box<str>,
    /// What it is for.
    pub description: Option<Box<str>>,
    /// Which notices are in it.
    pub kinds: Kinds,
    /// Whose tokens' notices are in it; empty: those of all tokens.
    pub owners: Vec<Box<str>>,
    /// When it is sent.
    pub schedule: Schedule,
}

/// A change of settings. `None` leaves a setting as it is; an inner `None` makes it empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailDigestChange {
    /// See [`MailDigestSettings::address`].
    pub address: Option<String>,
    /// See [`MailDigestSettings::description`].
    pub description: Option<Option<String>>,
    /// See [`MailDigestSettings::kinds`].
    pub kinds: Option<Vec<NoticeKind>>,
    /// See [`MailDigestSettings::owners`].
    pub owners: Option<Vec<String>>,
    /// See [`Schedule::frequency`].
    pub frequency: Option<MailDigestFrequency>,
    /// See [`Schedule::minute_of_day`].
    pub minute_of_day: Option<i32>,
}

impl MailDigestChange {
    /// The settings with this change made; without settings, those of a new digest.
    ///
    /// # Errors
    /// The first rule that is not met, with its field.
    pub fn apply(self, settings: Option<MailDigestSettings>) -> Result<MailDigestSettings, InvalidInput> {
        let Self { address, description: text, kinds, owners: names, frequency, minute_of_day: minute } = self;
        let mut changed = match settings {
            Some(settings) => settings,
            None => MailDigestSettings {
                address: address::parse(address.as_deref().unwrap_or_default())?,
                description: None,
                kinds: Kinds::default(),
                owners: Vec::new(),
                schedule: Schedule::default(),
            },
        };
        if let Some(address) = address {
            changed.address = address::parse(&address)?;
        }
        if let Some(text) = text {
            changed.description = text.map(description).transpose()?.map(Into::into);
        }
        if let Some(kinds) = kinds {
            changed.kinds = changed.kinds.changed(kinds);
        }
        if let Some(names) = names {
            changed.owners = owners(names)?;
        }
        if let Some(frequency) = frequency {
            changed.schedule.frequency = frequency;
        }
        if let Some(minute) = minute {
            changed.schedule.minute_of_day = minute_of_day(minute)?;
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> MailDigestChange {
        MailDigestChange { address: Some("ops@example.com".to_owned()), ..MailDigestChange::default() }
    }

    #[test]
    fn a_new_digest_has_everything_daily_and_needs_an_address() {
        let settings = new().apply(None).unwrap();
        assert!(settings.kinds.are_all() && settings.owners.is_empty());
        let daily = Schedule { frequency: MailDigestFrequency::Daily, minute_of_day: 480 };
        assert_eq!((&*settings.address, settings.schedule), ("ops@example.com", daily));
        assert_eq!(MailDigestChange::default().apply(None).map_err(|invalid| invalid.field), Err("address"));
    }

    #[test]
    fn a_change_leaves_the_rest_and_checks_each_field() {
        let given = MailDigestChange {
            description: Some(Some("for ops".to_owned())),
            kinds: Some(vec![NoticeKind::Revoked]),
            owners: Some(vec!["acme".to_owned()]),
            frequency: Some(MailDigestFrequency::Weekly),
            minute_of_day: Some(7),
            ..new()
        };
        let settings = given.apply(None).unwrap();
        assert_eq!(MailDigestChange::default().apply(Some(settings.clone())), Ok(settings.clone()));
        let moved = MailDigestChange { address: Some("new@example.com".to_owned()), ..Default::default() };
        let moved = moved.apply(Some(settings.clone())).unwrap();
        assert_eq!(moved, MailDigestSettings { address: "new@example.com".into(), ..settings.clone() });
        for (change, field) in [
            (MailDigestChange { address: Some("a".to_owned()), ..Default::default() }, "address"),
            (MailDigestChange { description: Some(Some("\0".to_owned())), ..Default::default() }, "description"),
            (MailDigestChange { owners: Some(vec!["a\nb".to_owned()]), ..Default::default() }, "owners"),
            (MailDigestChange { minute_of_day: Some(1_440), ..Default::default() }, "minuteOfDay"),
        ] {
            assert_eq!(change.apply(Some(settings.clone())).map_err(|invalid| invalid.field), Err(field));
        }
    }
}
