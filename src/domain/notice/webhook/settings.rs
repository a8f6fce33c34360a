//! The settings of a webhook: where its messages go, and which notices it gets.

use std::collections::BTreeSet;

use super::url;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::notice::kind::NoticeKind;
use crate::domain::text::{description, line};

/// The most webhooks that there may be. All of them are looked at whenever a notice is written.
pub const MAX_WEBHOOKS: u64 = 100;
/// The most owners that a webhook or a mail digest can be limited to.
pub const MAX_OWNERS: usize = 100;

/// The kinds of notices that a webhook or a mail digest gets. Empty: all, also those that a newer version adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    known: BTreeSet<NoticeKind>,
    newer: BTreeSet<String>,
}

impl Kinds {
    /// The kinds of these names. During an upgrade, another replica may write names that this version does not know. They are kept.
    pub fn of_names<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut kinds = Self::default();
        for name in names {
            match NoticeKind::parse(name) {
                Some(kind) => drop(kinds.known.insert(kind)),
                None => drop(kinds.newer.insert(name.to_owned())),
            }
        }
        kinds
    }

    /// The kinds that this version knows.
    pub fn iter(&self) -> impl Iterator<Item = NoticeKind> + '_ {
        self.known.iter().copied()
    }

    /// The names of all kinds.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|kind| kind.as_str()).chain(self.newer.iter().map(String::as_str))
    }

    /// Whether these are all kinds.
    pub fn are_all(&self) -> bool {
        self.known.is_empty() && self.newer.is_empty()
    }

    /// These kinds instead of those that this version knows. Those of a newer version stay, unless all are asked for.
    pub(in crate::domain::notice) fn changed(self, kinds: Vec<NoticeKind>) -> Self {
        if kinds.is_empty() { Self::default() } else { Self { known: kinds.into_iter().collect(), newer: self.newer } }
    }
}

/// The settings of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Where messages are sent, in its normal form.
    pub url: Box<str>,
    /// What it is for.
    pub description: Option<Box<str>>,
    /// Which notices it gets.
    pub kinds: Kinds,
    /// Whose tokens' notices it gets; empty: those of all tokens.
    pub owners: Vec<Box<str>>,
}

/// A change of settings. `None` leaves a setting as it is; an inner `None` makes it empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// See [`WebhookSettings::url`].
    pub url: Option<String>,
    /// See [`WebhookSettings::description`].
    pub description: Option<Option<String>>,
    /// See [`WebhookSettings::kinds`].
    pub kinds: Option<Vec<NoticeKind>>,
    /// See [`WebhookSettings::owners`].
    pub owners: Option<Vec<String>>,
}

impl WebhookChange {
    /// The settings with this change made; without settings, those of a new webhook.
    ///
    /// # Errors
    /// The first rule that is not met, with its field.
    pub fn apply(self, settings: Option<WebhookSettings>) -> Result<WebhookSettings, InvalidInput> {
        let Self { url: address, description: text, kinds, owners: names } = self;
        let mut changed = match (settings, &address) {
            (Some(settings), _) => settings,
            (None, given) => WebhookSettings {
                url: url::parse(given.as_deref().unwrap_or_default())?,
                description: None,
                kinds: Kinds::default(),
                owners: Vec::new(),
            },
        };
        if let Some(address) = address {
            changed.url = url::parse(&address)?;
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
        Ok(changed)
    }
}

/// Owners to limit a webhook or a mail digest to: each once.
///
/// # Errors
/// When one is invalid, or there are too many.
pub(in crate::domain::notice) fn owners(names: Vec<String>) -> Result<Vec<Box<str>>, InvalidInput> {
    const FIELD: &str = "owners";
    let names: BTreeSet<String> = names.into_iter().map(|name| line(FIELD, name)).collect::<Result<_, _>>()?;
    if names.len() > MAX_OWNERS {
        return Err(InvalidInput::new(FIELD, format!("There can be at most {MAX_OWNERS} owners.")));
    }
    Ok(names.into_iter().map(Into::into).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://example.com/hook";

    fn new() -> WebhookChange {
        WebhookChange { url: Some(URL.to_owned()), ..WebhookChange::default() }
    }

    #[test]
    fn a_new_webhook_gets_everything_and_needs_a_url() {
        let settings = new().apply(None).unwrap();
        assert_eq!(&*settings.url, URL);
        assert!(settings.kinds.are_all() && settings.owners.is_empty());
        assert_eq!(WebhookChange::default().apply(None).map_err(|invalid| invalid.field), Err("url"));
    }

    #[test]
    fn a_change_leaves_the_rest_and_checks_each_field() {
        let kinds = Some(vec![NoticeKind::Revoked, NoticeKind::Expiring, NoticeKind::Revoked]);
        let first = WebhookChange { kinds, description: Some(Some("for pagers".to_owned())), ..new() };
        let settings = first.apply(None).unwrap();
        let change = WebhookChange { owners: Some(["b", "a", "b"].map(str::to_owned).into()), ..Default::default() };
        let changed = change.apply(Some(settings.clone())).unwrap();
        assert_eq!(changed.owners, ["a".into(), "b".into()]);
        assert_eq!((&changed.kinds, &changed.description), (&settings.kinds, &settings.description));
        assert_eq!(changed.kinds.iter().collect::<Vec<_>>(), [NoticeKind::Expiring, NoticeKind::Revoked]);
        let cleared = WebhookChange { description: Some(None), kinds: Some(vec![]), owners: Some(vec![]), url: None };
        assert_eq!(cleared.apply(Some(changed.clone())).unwrap(), new().apply(None).unwrap());
        for (change, field) in [
            (WebhookChange { url: Some("ftp://a".to_owned()), ..Default::default() }, "url"),
            (WebhookChange { description: Some(Some("\0".to_owned())), ..Default::default() }, "description"),
            (WebhookChange { owners: Some(vec!["a\nb".to_owned()]), ..Default::default() }, "owners"),
        ] {
            assert_eq!(change.apply(Some(changed.clone())).map_err(|invalid| invalid.field), Err(field));
        }
    }

    #[test]
    fn the_number_of_owners_is_bounded() {
        let limited = |number: usize| {
            let owners = Some((0..number).map(|number| number.to_string()).collect());
            WebhookChange { owners, ..new() }.apply(None).map(|settings| settings.owners.len())
        };
        assert_eq!(limited(MAX_OWNERS), Ok(MAX_OWNERS));
        assert_eq!(limited(MAX_OWNERS + 1).map_err(|invalid| invalid.field), Err("owners"));
    }

    #[test]
    fn kinds_of_a_newer_version_stay_unless_all_are_asked_for() {
        let kinds = Kinds::of_names(["NEWER", "REVOKED"].into_iter());
        assert!(!kinds.are_all() && !Kinds::of_names(["NEWER"].into_iter()).are_all());
        let changed = kinds.clone().changed(vec![NoticeKind::Unused]);
        assert_eq!(changed.names().collect::<Vec<_>>(), ["UNUSED", "NEWER"]);
        assert!(kinds.changed(vec![]).are_all());
    }
}
