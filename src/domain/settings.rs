//! What the settings of a new token may be. One rule a line, each named after its field.

use std::collections::BTreeSet;

use super::input::InvalidInput;
use super::scope::Scope;
use super::timestamp::Timestamp;
use super::token::{Permission, Settings, TokenKind};

/// The longest name and owner, in characters.
pub const MAX_NAME_LENGTH: usize = 255;
/// The longest description, in characters.
pub const MAX_DESCRIPTION_LENGTH: usize = 2_000;
/// The most scopes that a token may hold.
pub const MAX_SCOPES: usize = 100;
/// How long the previous value works where nothing else is asked for, in minutes (R4).
pub const DEFAULT_OVERLAP_MINUTES: u32 = 10;

/// What is asked for when a token is created, before any rule was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsDraft {
    /// See [`Settings::name`].
    pub name: String,
    /// See [`Settings::description`].
    pub description: Option<String>,
    /// See [`Settings::owner`].
    pub owner: Option<String>,
    /// See [`Settings::kind`].
    pub kind: TokenKind,
    /// See [`Settings::permissions`].
    pub permissions: Vec<Permission>,
    /// See [`Settings::scopes`]; one scope a text.
    pub scopes: Vec<String>,
    /// See [`Settings::expires_at`].
    pub expires_at: Option<Timestamp>,
    /// See [`Settings::rotation_period_minutes`].
    pub rotation_period_minutes: Option<i32>,
    /// See [`Settings::overlap_minutes`]; where absent, the default, or the whole period where that is shorter.
    pub overlap_minutes: Option<i32>,
}

impl SettingsDraft {
    /// A private token of this name that may do nothing.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            owner: None,
            kind: TokenKind::Private,
            permissions: Vec::new(),
            scopes: Vec::new(),
            expires_at: None,
            rotation_period_minutes: None,
            overlap_minutes: None,
        }
    }

    /// The settings, once every rule is met.
    ///
    /// # Errors
    /// The first rule that is not met, with its field.
    pub fn validate(self, now: Timestamp) -> Result<Settings, InvalidInput> {
        let permissions: BTreeSet<_> = self.permissions.into_iter().collect();
        if self.kind == TokenKind::Public && !permissions.is_empty() {
            return Err(InvalidInput::new(
                "permissions",
                "A public token holds no permissions, for anyone can copy it. Leave them out, or make the token PRIVATE.",
            ));
        }
        if self.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(InvalidInput::new("expiresAt", "The expiry must lie in the future."));
        }
        let rotation_period_minutes = self.rotation_period_minutes.map(rotation_period).transpose()?;
        Ok(Settings {
            name: line("name", self.name)?,
            description: self.description.map(description).transpose()?,
            owner: self.owner.map(|owner| line("owner", owner)).transpose()?,
            kind: self.kind,
            permissions,
            scopes: scopes(self.scopes)?,
            expires_at: self.expires_at,
            rotation_period_minutes,
            overlap_minutes: overlap(self.overlap_minutes, rotation_period_minutes)?,
        })
    }
}

fn rotation_period(minutes: i32) -> Result<u32, InvalidInput> {
    let positive = u32::try_from(minutes).ok().filter(|minutes| *minutes > 0);
    positive.ok_or_else(|| {
        InvalidInput::new(
            "rotationPeriodMinutes",
            "The rotation period must be at least 1 minute; leave it out for none.",
        )
    })
}

fn overlap(minutes: Option<i32>, rotation_period_minutes: Option<u32>) -> Result<u32, InvalidInput> {
    let longest = rotation_period_minutes.unwrap_or(u32::MAX);
    let Some(minutes) = minutes else { return Ok(DEFAULT_OVERLAP_MINUTES.min(longest)) };
    u32::try_from(minutes).ok().filter(|minutes| *minutes <= longest).ok_or_else(|| {
        InvalidInput::new("overlapMinutes", "The overlap must be from 0 minutes to one whole rotation period.")
    })
}

/// One line of text with something on it.
fn line(field: &'static str, text: String) -> Result<String, InvalidInput> {
    let good =
        text.chars().count() <= MAX_NAME_LENGTH && !text.trim().is_empty() && !text.chars().any(char::is_control);
    if good {
        return Ok(text);
    }
    let message = format!("The {field} must be one line of 1 to {MAX_NAME_LENGTH} characters that is not blank.");
    Err(InvalidInput::new(field, message))
}

fn description(text: String) -> Result<String, InvalidInput> {
    let control = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    if text.chars().count() <= MAX_DESCRIPTION_LENGTH && !text.chars().any(control) {
        return Ok(text);
    }
    let message =
        format!("The description must have at most {MAX_DESCRIPTION_LENGTH} characters and no control characters.");
    Err(InvalidInput::new("description", message))
}

fn scopes(texts: Vec<String>) -> Result<BTreeSet<Scope>, InvalidInput> {
    let invalid = |message| InvalidInput::new("scopes", message);
    if texts.len() > MAX_SCOPES {
        return Err(invalid(format!("A token holds at most {MAX_SCOPES} scopes.")));
    }
    let scope = |text: String| Scope::parse(&text).map_err(|malformed| invalid(format!("Not a scope: {malformed}.")));
    texts.into_iter().map(scope).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600_000;

    fn field_of(change: impl FnOnce(&mut SettingsDraft)) -> Option<&'static str> {
        let mut draft = SettingsDraft::new("ci");
        change(&mut draft);
        draft.validate(Timestamp::from_unix_millis(NOW)).err().map(|invalid| invalid.field)
    }

    #[test]
    fn a_name_has_1_to_255_characters_and_one_line() {
        for (name, good) in [
            (String::new(), false),
            ("  ".into(), false),
            ("n".into(), true),
            ("é".repeat(255), true),
            ("é".repeat(256), false),
            ("two\nlines".into(), false),
            ("nul\0".into(), false),
        ] {
            assert_eq!(field_of(|draft| draft.name.clone_from(&name)), (!good).then_some("name"), "{name:?}");
            assert_eq!(field_of(|draft| draft.owner = Some(name.clone())), (!good).then_some("owner"), "{name:?}");
        }
    }

    #[test]
    fn a_description_has_at_most_2000_characters() {
        for (text, good) in [
            (String::new(), true),
            ("a\tb\r\nc".into(), true),
            ("é".repeat(2_000), true),
            ("é".repeat(2_001), false),
            ("\u{7}".into(), false),
        ] {
            assert_eq!(field_of(|draft| draft.description = Some(text.clone())), (!good).then_some("description"));
        }
    }

    #[test]
    fn an_expiry_lies_in_the_future() {
        for (offset, good) in [(-1, false), (0, false), (1, true)] {
            let expires_at = Some(Timestamp::from_unix_millis(NOW + offset));
            assert_eq!(field_of(|draft| draft.expires_at = expires_at), (!good).then_some("expiresAt"), "{offset}");
        }
    }

    #[test]
    fn a_rotation_period_is_at_least_one_minute() {
        for (minutes, good) in [(i32::MIN, false), (-1, false), (0, false), (1, true), (i32::MAX, true)] {
            let field = field_of(|draft| draft.rotation_period_minutes = Some(minutes));
            assert_eq!(field, (!good).then_some("rotationPeriodMinutes"), "{minutes}");
        }
    }

    #[test]
    fn an_overlap_is_at_most_the_period_and_ten_minutes_unless_asked() {
        for (minutes, good) in [(-1, false), (0, true), (29, true), (30, true), (31, false)] {
            let field = field_of(|draft| {
                draft.rotation_period_minutes = Some(30);
                draft.overlap_minutes = Some(minutes);
            });
            assert_eq!(field, (!good).then_some("overlapMinutes"), "{minutes}");
        }
        for (period, overlap) in [(None, 10), (Some(9), 9), (Some(10), 10), (Some(11), 10)] {
            let draft = SettingsDraft { rotation_period_minutes: period, ..SettingsDraft::new("ci") };
            let settings = draft.validate(Timestamp::from_unix_millis(NOW)).unwrap();
            assert_eq!(settings.overlap_minutes, overlap, "{period:?}");
        }
    }

    #[test]
    fn a_public_token_holds_no_permission() {
        let permissions = vec![Permission::ApiTokenVerify];
        assert_eq!(field_of(|draft| draft.permissions.clone_from(&permissions)), None);
        assert_eq!(
            field_of(|draft| {
                draft.permissions.clone_from(&permissions);
                draft.kind = TokenKind::Public;
            }),
            Some("permissions")
        );
    }

    #[test]
    fn scopes_are_well_formed_and_at_most_100() {
        let many = |count| (0..count).map(|number| format!("s{number}")).collect::<Vec<_>>();
        assert_eq!(field_of(|draft| draft.scopes = many(100)), None);
        assert_eq!(field_of(|draft| draft.scopes = many(101)), Some("scopes"));
        assert_eq!(field_of(|draft| draft.scopes = vec!["two words".into()]), Some("scopes"));
    }
}
