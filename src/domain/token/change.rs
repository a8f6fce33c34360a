//! What may be changed of a token after its creation. Kind, expiry, period and overlap may not: they are not even here (R2).

use super::draft::{origins_without_values, scopes};
use super::permission::Permission;
use super::settings::{ReusePolicy, Settings};
use crate::domain::input::InvalidInput;
use crate::domain::restriction::CidrBlocks;
use crate::domain::text::{description, line};

/// What is to be changed. `None` leaves a setting as it is; an inner `None` empties it.
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
        if let Some(name) = self.name {
            changed.name = line("name", name)?.into();
        }
        if let Some(text) = self.description {
            changed.description = text.map(description).transpose()?.map(Into::into);
        }
        if let Some(owner) = self.owner {
            changed.owner = owner.map(|owner| line("owner", owner)).transpose()?.map(Into::into);
        }
        if let Some(permissions) = self.permissions {
            changed.permissions = permissions.into_iter().collect();
        }
        if let Some(texts) = self.scopes {
            changed.scopes = scopes(texts)?;
        }
        if let Some(blocks) = self.allowed_cidr_blocks {
            changed.allowed_cidr_blocks = CidrBlocks::parse(&blocks)?;
        }
        if let Some(origins) = self.allowed_origins {
            changed.allowed_origins = origins_without_values(&origins)?;
        }
        changed.on_reuse = self.on_reuse.unwrap_or(changed.on_reuse);
        changed.protected = self.protected.unwrap_or(changed.protected);
        changed.validate()?;
        Ok(changed)
    }
}
