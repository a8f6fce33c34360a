//! The settings of a token, and the change of those that can be changed: kind, expiry, period and overlap cannot (R2).

use super::setting::{
    LeakPolicy, Metadata, OverlapEnd, OverlapStart, Permission, Permissions, ReusePolicy, Scope, Scopes, TokenKind,
};
use crate::domain::invalid_input::InvalidInput;
use crate::domain::restriction::{AllowedOrigins, CidrBlocks};
use crate::domain::text::{description, line, no_value};
use crate::domain::timestamp::Timestamp;

/// The most scopes that a token may hold.
pub const MAX_SCOPES: usize = 100;
/// The default overlap, in minutes (R4).
pub const DEFAULT_OVERLAP_MINUTES: u32 = 10;
/// The default time, in minutes, for which a value must not have been used before it is cut off unforced (R15). A shorter overlap makes it
/// shorter.
pub const DEFAULT_SILENT_MINUTES: u32 = 5;

/// The settings of a token: given at creation, and inherited by every generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A name for people, 1 to 255 characters.
    pub name: Box<str>,
    /// What the token is for.
    pub description: Option<Box<str>>,
    /// Whose token it is: any string of the operator's.
    pub owner: Option<Box<str>>,
    /// Private or public; fixed at creation.
    pub kind: TokenKind,
    /// What the token may do to Rotakey.
    pub permissions: Permissions,
    /// What the token may do to the API it protects.
    pub scopes: Scopes,
    /// From when on the token works; fixed at creation.
    pub not_before: Option<Timestamp>,
    /// When the token expires; no rotation changes it (R2); fixed at creation.
    pub expires_at: Option<Timestamp>,
    /// The longest time without a rotation, in minutes (R3); fixed at creation.
    pub rotation_period_minutes: Option<u32>,
    /// How long the previous value works after a rotation, in minutes (R4); fixed at creation.
    pub overlap_minutes: u32,
    /// When the overlap starts; fixed at creation.
    pub overlap_starts: OverlapStart,
    /// When the overlap ends; fixed at creation.
    pub overlap_ends: OverlapEnd,
    /// For how long, in minutes, a value must not have been used before it is cut off unforced, or retires because it is silent (R15); 0 if
    /// it may be cut off at any time. Fixed at creation.
    pub silent_minutes: u32,
    /// From which networks it may be used (R12).
    pub allowed_cidr_blocks: CidrBlocks,
    /// From which web origins it may be used (R12).
    pub allowed_origins: AllowedOrigins,
    /// What happens when a retired value is presented (R8).
    pub on_reuse: ReusePolicy,
    /// What happens when a value that works is reported to have leaked.
    pub on_leak: LeakPolicy,
    /// The operator's key/value pairs.
    pub metadata: Metadata,
    /// Whether it is protected: it cannot be revoked or suspended until this is set to false (R11).
    pub protected: bool,
}

/// A change of settings. `None` leaves a setting as it is; an inner `None` makes it empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// See [`Settings::name`].
    pub name: Option<String>,
    /// See [`Settings::description`].
    pub description: Option<Option<String>>,
    /// See [`Settings::owner`].
    pub owner: Option<Option<String>>,
    /// See [`Settings::permissions`].
    pub permissions: Option<Vec<Permission>>,
    /// See [`Settings::scopes`]; one scope a text.
    pub scopes: Option<Vec<String>>,
    /// See [`Settings::allowed_cidr_blocks`]; one block a text.
    pub allowed_cidr_blocks: Option<Vec<String>>,
    /// See [`Settings::allowed_origins`]; one origin a text.
    pub allowed_origins: Option<Vec<String>>,
    /// See [`Settings::on_reuse`].
    pub on_reuse: Option<ReusePolicy>,
    /// See [`Settings::on_leak`].
    pub on_leak: Option<LeakPolicy>,
    /// See [`Settings::metadata`]; all of it, as pairs.
    pub metadata: Option<Vec<(String, String)>>,
    /// See [`Settings::protected`].
    pub protected: Option<bool>,
}

impl SettingsChange {
    /// The settings with this change made.
    ///
    /// # Errors
    /// The first rule that is not met, with its field.
    pub fn apply(self, settings: &Settings) -> Result<Settings, InvalidInput> {
        let mut changed = settings.clone();
        self.make(&mut changed)?;
        changed.validate()?;
        Ok(changed)
    }

    /// Makes this change, and checks the rule of each setting. [`Settings::validate`] checks whether the settings are consistent.
    pub(super) fn make(self, settings: &mut Settings) -> Result<(), InvalidInput> {
        // Destructured, so that no setting is forgotten.
        let Self {
            name,
            description: text,
            owner,
            permissions,
            scopes: scope_texts,
            allowed_cidr_blocks,
            allowed_origins,
            on_reuse,
            on_leak,
            metadata,
            protected,
        } = self;
        replace(&mut settings.name, name.map(|name| line("name", name).map(Into::into)))?;
        replace(&mut settings.description, text.map(|text| optional(text, description)))?;
        replace(&mut settings.owner, owner.map(|owner| optional(owner, |owner| line("owner", owner))))?;
        replace(&mut settings.permissions, permissions.map(|permissions| Ok(permissions.into_iter().collect())))?;
        replace(&mut settings.scopes, scope_texts.map(scopes))?;
        replace(&mut settings.allowed_cidr_blocks, allowed_cidr_blocks.map(|blocks| CidrBlocks::parse(&blocks)))?;
        replace(&mut settings.allowed_origins, allowed_origins.map(|origins| origins_without_values(&origins)))?;
        replace(&mut settings.on_reuse, on_reuse.map(Ok))?;
        replace(&mut settings.on_leak, on_leak.map(Ok))?;
        replace(&mut settings.metadata, metadata.map(Metadata::parse))?;
        replace(&mut settings.protected, protected.map(Ok))
    }
}

impl Settings {
    /// The default settings with this name: a private token without permissions and scopes.
    pub fn named(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            description: None,
            owner: None,
            kind: TokenKind::Private,
            permissions: Permissions::default(),
            scopes: Scopes::default(),
            not_before: None,
            expires_at: None,
            rotation_period_minutes: None,
            overlap_minutes: DEFAULT_OVERLAP_MINUTES,
            overlap_starts: OverlapStart::default(),
            overlap_ends: OverlapEnd::default(),
            silent_minutes: DEFAULT_SILENT_MINUTES,
            allowed_cidr_blocks: CidrBlocks::default(),
            allowed_origins: AllowedOrigins::default(),
            on_reuse: ReusePolicy::default(),
            on_leak: LeakPolicy::default(),
            metadata: Metadata::default(),
            protected: false,
        }
    }

    /// When a token with these settings becomes overdue if its current value was issued at this time; `None` without a rotation
    /// period (R3).
    pub fn rotate_by(&self, issued_at: Timestamp) -> Option<Timestamp> {
        self.rotation_period_minutes.map(|minutes| issued_at.plus_minutes(minutes))
    }

    /// Checks whether the settings are consistent; each is already valid by itself.
    ///
    /// # Errors
    /// The first inconsistency.
    pub(super) fn validate(&self) -> Result<(), InvalidInput> {
        if self.kind == TokenKind::Public && !self.permissions.is_empty() {
            return Err(InvalidInput::new(
                "permissions",
                "A public token cannot have permissions, because anyone can copy it. Leave them out, or make the token PRIVATE.",
            ));
        }
        if self.protected && self.on_reuse == ReusePolicy::Revoke {
            return Err(InvalidInput::new(
                "onReuse",
                "A protected token cannot be revoked, not even on reuse. Set onReuse to ALERT, or protected to false.",
            ));
        }
        if self.kind == TokenKind::Public && self.on_leak != LeakPolicy::Alert {
            return Err(InvalidInput::new(
                "onLeak",
                "A public token is not cut off by a report of a leak, because anyone can copy it. Set onLeak to ALERT, or leave it out.",
            ));
        }
        if self.protected && self.on_leak != LeakPolicy::Alert {
            return Err(InvalidInput::new(
                "onLeak",
                "A protected token is not cut off by a report of a leak. Set onLeak to ALERT, or protected to false.",
            ));
        }
        Ok(())
    }
}

/// Replaces a setting, if a new one is given.
fn replace<T>(setting: &mut T, given: Option<Result<T, InvalidInput>>) -> Result<(), InvalidInput> {
    if let Some(given) = given {
        *setting = given?;
    }
    Ok(())
}

/// A text that may be empty, checked by this rule.
fn optional(
    text: Option<String>,
    rule: impl Fn(String) -> Result<String, InvalidInput>,
) -> Result<Option<Box<str>>, InvalidInput> {
    Ok(text.map(rule).transpose()?.map(Into::into))
}

fn scopes(texts: Vec<String>) -> Result<Scopes, InvalidInput> {
    let invalid = |message| InvalidInput::new("scopes", message);
    if texts.len() > MAX_SCOPES {
        return Err(invalid(format!("A token holds at most {MAX_SCOPES} scopes.")));
    }
    texts.iter().try_for_each(|text| no_value("scopes", text))?;
    let scope = |text: String| Scope::parse(&text).map_err(|malformed| invalid(format!("Not a scope: {malformed}.")));
    texts.into_iter().map(scope).collect()
}

/// The web origins; an app may be named almost anything, a value too.
fn origins_without_values(origins: &[String]) -> Result<AllowedOrigins, InvalidInput> {
    origins.iter().try_for_each(|origin| no_value("allowedOrigins", origin))?;
    AllowedOrigins::parse(origins)
}
