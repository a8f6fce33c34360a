//! What the settings of a new token may be. One rule a line, each named after its field.

use super::kind::TokenKind;
use super::permission::Permission;
use super::scope::{Scope, Scopes};
use super::settings::{OverlapStart, ReusePolicy, Settings};
use crate::domain::input::InvalidInput;
use crate::domain::restriction::{AllowedOrigins, CidrBlocks};
use crate::domain::text::{description, line, no_value};
use crate::domain::timestamp::Timestamp;

/// The most scopes that a token may hold.
pub const MAX_SCOPES: usize = 100;
/// How long the previous value works where nothing else is asked for, in minutes (R4).
pub const DEFAULT_OVERLAP_MINUTES: u32 = 10;

/// The operator's limits on what may be asked for. `None` and `false` limit nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The longest life of a token, in minutes.
    pub max_lifetime_minutes: Option<u32>,
    /// Whether every token must have an expiry.
    pub require_expiry: bool,
    /// The longest overlap, in minutes.
    pub max_overlap_minutes: Option<u32>,
}

/// What is asked for when a token is created, before any rule was applied. `None` is what was left out: it is taken from
/// the token that is cloned, or is the default. An inner `None` is what was expressly left empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsDraft {
    /// See [`Settings::name`]; never cloned.
    pub name: String,
    /// See [`Settings::description`].
    pub description: Option<Option<String>>,
    /// See [`Settings::owner`].
    pub owner: Option<Option<String>>,
    /// See [`Settings::kind`].
    pub kind: Option<TokenKind>,
    /// See [`Settings::permissions`].
    pub permissions: Option<Vec<Permission>>,
    /// See [`Settings::scopes`]; one scope a text.
    pub scopes: Option<Vec<String>>,
    /// See [`Settings::allowed_cidr_blocks`]; one block a text.
    pub allowed_cidr_blocks: Option<Vec<String>>,
    /// See [`Settings::allowed_origins`]; one origin a text.
    pub allowed_origins: Option<Vec<String>>,
    /// See [`Settings::expires_at`]; never cloned.
    pub expires_at: Option<Timestamp>,
    /// See [`Settings::rotation_period_minutes`].
    pub rotation_period_minutes: Option<Option<i32>>,
    /// See [`Settings::overlap_minutes`].
    pub overlap_minutes: Option<i32>,
    /// See [`Settings::overlap_starts`].
    pub overlap_starts: Option<OverlapStart>,
    /// See [`Settings::on_reuse`].
    pub on_reuse: Option<ReusePolicy>,
    /// See [`Settings::protected`].
    pub protected: Option<bool>,
}

impl SettingsDraft {
    /// A private token of this name that may do nothing.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The settings, once every rule is met. What the draft leaves out is taken from `base`, the settings to clone.
    ///
    /// # Errors
    /// The first rule that is not met, with its field.
    pub fn validate(self, base: Option<&Settings>, limits: &Limits, now: Timestamp) -> Result<Settings, InvalidInput> {
        let kind = self.kind.or(base.map(|base| base.kind)).unwrap_or(TokenKind::Private);
        let rotation_period_minutes = match self.rotation_period_minutes {
            Some(minutes) => minutes.map(rotation_period).transpose()?,
            None => base.and_then(|base| base.rotation_period_minutes),
        };
        let cloned_overlap = base.map(|base| base.overlap_minutes);
        let settings = Settings {
            name: line("name", self.name)?.into(),
            description: or_base(self.description, base, |base| &base.description, description)?,
            owner: or_base(self.owner, base, |base| &base.owner, |owner| line("owner", owner))?,
            kind,
            permissions: match self.permissions {
                Some(permissions) => permissions.into_iter().collect(),
                None => base.map(|base| base.permissions).unwrap_or_default(),
            },
            scopes: match self.scopes {
                Some(texts) => scopes(texts)?,
                None => base.map(|base| base.scopes.clone()).unwrap_or_default(),
            },
            allowed_cidr_blocks: match self.allowed_cidr_blocks {
                Some(blocks) => CidrBlocks::parse(&blocks)?,
                None => base.map(|base| base.allowed_cidr_blocks.clone()).unwrap_or_default(),
            },
            allowed_origins: match self.allowed_origins {
                Some(origins) => origins_without_values(&origins)?,
                None => base.map(|base| base.allowed_origins.clone()).unwrap_or_default(),
            },
            expires_at: expiry(self.expires_at, limits, now)?,
            rotation_period_minutes,
            overlap_minutes: overlap(self.overlap_minutes, cloned_overlap, rotation_period_minutes, limits)?,
            overlap_starts: self.overlap_starts.or(base.map(|base| base.overlap_starts)).unwrap_or_default(),
            on_reuse: self.on_reuse.or(base.map(|base| base.on_reuse)).unwrap_or_default(),
            protected: self.protected.or(base.map(|base| base.protected)).unwrap_or_default(),
        };
        settings.validate()?;
        Ok(settings)
    }
}

fn or_base(
    asked: Option<Option<String>>,
    base: Option<&Settings>,
    field: impl Fn(&Settings) -> &Option<Box<str>>,
    rule: impl Fn(String) -> Result<String, InvalidInput>,
) -> Result<Option<Box<str>>, InvalidInput> {
    match asked {
        Some(text) => Ok(text.map(rule).transpose()?.map(Into::into)),
        None => Ok(base.and_then(|base| field(base).clone())),
    }
}

fn expiry(asked: Option<Timestamp>, limits: &Limits, now: Timestamp) -> Result<Option<Timestamp>, InvalidInput> {
    let invalid = |message: String| Err(InvalidInput::new("expiresAt", message));
    let latest = limits.max_lifetime_minutes.map(|minutes| now.plus_minutes(minutes));
    match (asked, latest) {
        (None, None) if !limits.require_expiry => Ok(None),
        (None, None) => invalid("This server requires an expiry for every token. Set expiresAt.".into()),
        (None, Some(latest)) => {
            invalid(format!("This server limits the lifetime of a token. Set expiresAt to {latest} or earlier."))
        }
        (Some(asked), _) if asked <= now => invalid("The expiry must be in the future.".into()),
        (Some(asked), Some(latest)) if asked > latest => {
            invalid(format!("This server limits the lifetime of a token. The latest expiry is now {latest}."))
        }
        (Some(asked), _) => Ok(Some(asked)),
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

fn overlap(asked: Option<i32>, cloned: Option<u32>, period: Option<u32>, limits: &Limits) -> Result<u32, InvalidInput> {
    let longest = period.unwrap_or(u32::MAX).min(limits.max_overlap_minutes.unwrap_or(u32::MAX));
    let Some(asked) = asked else { return Ok(cloned.unwrap_or(DEFAULT_OVERLAP_MINUTES).min(longest)) };
    u32::try_from(asked).ok().filter(|minutes| *minutes <= longest).ok_or_else(|| {
        let message = match (period, limits.max_overlap_minutes) {
            (_, Some(limit)) if limit == longest => {
                format!("The overlap must be from 0 to {limit} minutes; this server allows no more.")
            }
            _ => "The overlap must be from 0 minutes to one whole rotation period.".to_owned(),
        };
        InvalidInput::new("overlapMinutes", message)
    })
}

pub(super) fn scopes(texts: Vec<String>) -> Result<Scopes, InvalidInput> {
    let invalid = |message| InvalidInput::new("scopes", message);
    if texts.len() > MAX_SCOPES {
        return Err(invalid(format!("A token holds at most {MAX_SCOPES} scopes.")));
    }
    texts.iter().try_for_each(|text| no_value("scopes", text))?;
    let scope = |text: String| Scope::parse(&text).map_err(|malformed| invalid(format!("Not a scope: {malformed}.")));
    texts.into_iter().map(scope).collect()
}

/// The web origins; an app may be named almost anything, a value too.
pub(super) fn origins_without_values(origins: &[String]) -> Result<AllowedOrigins, InvalidInput> {
    origins.iter().try_for_each(|origin| no_value("allowedOrigins", origin))?;
    AllowedOrigins::parse(origins)
}

#[cfg(test)]
mod tests;
