//! Authorisation: what a caller may do by its permissions, and the rule against privilege escalation (R11).

use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::token::{Permission, Permissions, ReusePolicy, Scopes, Settings, Token};

/// What a caller may do. It is taken from the caller's token for each operation, and never cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    id: TokenId,
    held: &'a Settings,
}

impl<'a> Authority<'a> {
    /// The authority that this token gives its holder.
    pub fn of(token: &'a Token) -> Self {
        Self { id: token.id, held: &token.settings }
    }

    /// Whether this is the caller's own token.
    pub fn is_of(&self, token: TokenId) -> bool {
        self.id == token
    }

    /// Whether the caller holds this permission.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], naming the permission.
    pub fn require(&self, permission: Permission) -> Result<(), Refusal> {
        if self.held.permissions.contains(permission) {
            return Ok(());
        }
        Err(Refusal::Forbidden(format!("This needs an API token with the permission {}.", permission.as_str())))
    }

    /// As [`Authority::require`], but every caller may do it to its own token.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], naming the permission.
    pub fn require_unless_own(&self, permission: Permission, target: TokenId) -> Result<(), Refusal> {
        if self.id == target { Ok(()) } else { self.require(permission) }
    }

    /// Whether the caller may create a token with these settings, or rotate such a token: either way it learns a value, and with it
    /// everything that the token may do (R11). A token with permissions must stay within the caller's own bounds. Otherwise a token
    /// that is about to expire, or is restricted to one network, could create or take over one that is not.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], naming the first permission or scope that the caller lacks, or the bound that is exceeded.
    pub fn require_to_issue(&self, settings: &Settings) -> Result<(), Refusal> {
        self.require_all(settings)?;
        if settings.permissions.is_empty() { Ok(()) } else { self.require_within_bounds(settings) }
    }

    /// Whether the caller may change this token to these settings (R11): it needs everything that the token has before and after, gives
    /// permissions only within its own bounds, and cannot lift its own restrictions. The bounds do not apply to a change that neither
    /// adds a permission nor widens a restriction.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], as [`Authority::require_to_issue`], or naming the restriction of their own.
    pub fn require_to_update(&self, token: &Token, changed: &Settings) -> Result<(), Refusal> {
        let before = &token.settings;
        self.require_all(before)?;
        self.require_all(changed)?;
        if self.id == token.id {
            return self.require_not_lifted(changed);
        }
        let hands_on = !before.permissions.contain_all(changed.permissions);
        let widens = !within_restrictions(changed, before);
        if changed.permissions.is_empty() || !(hands_on || widens) {
            return Ok(());
        }
        self.require_within_bounds(changed)
    }

    /// Whether the caller may rotate another's token. The caller learns its value, so it must be able to issue one like it (R11).
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], naming what the caller lacks.
    pub fn require_to_rotate(&self, other: &Token) -> Result<(), Refusal> {
        self.require(Permission::ApiTokenModify)?;
        self.require_to_issue(&other.settings)
    }

    /// Whether the caller may resume this token. This hands everything on to its holder, so the caller must be able to issue a token like
    /// it. Otherwise a caller with bounds that knows a value of a suspended token without any could get rid of its bounds (R11).
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], naming what the caller lacks.
    pub fn require_to_resume(&self, token: &Token) -> Result<(), Refusal> {
        self.require(Permission::ApiTokenModify)?;
        self.require_to_issue(&token.settings)
    }

    /// Whether the caller may revoke or suspend this token, or end its overlap. It always may for its own. Another's needs every permission that it
    /// has, so that a token with fewer permissions cannot lock out one with more (R11).
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], naming the first permission that the caller lacks.
    pub fn require_to_cut_off(&self, token: &Token) -> Result<(), Refusal> {
        if self.id == token.id {
            return Ok(());
        }
        self.require(Permission::ApiTokenModify)?;
        match missing_permission(self.held.permissions, token.settings.permissions) {
            None => Ok(()),
            Some(permission) => Err(Refusal::Forbidden(format!(
                "This API token holds a permission that yours does not: {}. Use one that holds it.",
                permission.as_str()
            ))),
        }
    }

    fn require_all(&self, settings: &Settings) -> Result<(), Refusal> {
        let missing = |what: &str, name: &str| {
            Refusal::Forbidden(format!("You cannot give or learn what you do not hold: the {what} {name}."))
        };
        if let Some(permission) = missing_permission(self.held.permissions, settings.permissions) {
            return Err(missing("permission", permission.as_str()));
        }
        missing_scope(&self.held.scopes, &settings.scopes).map_or(Ok(()), |scope| Err(missing("scope", scope)))
    }

    fn require_within_bounds(&self, settings: &Settings) -> Result<(), Refusal> {
        let within = |what: String| {
            Err(Refusal::Forbidden(format!(
                "An API token with permissions must stay within the bounds of yours: {what}."
            )))
        };
        if let Some(latest) = self.held.expires_at
            && settings.expires_at.is_none_or(|expiry| expiry > latest)
        {
            return within(format!("its expiresAt must be {latest} or earlier"));
        }
        if !self.held.allowed_cidr_blocks.cover(&settings.allowed_cidr_blocks) {
            return within("its allowedCIDRBlocks must lie within those of your token".into());
        }
        if !self.held.allowed_origins.cover(&settings.allowed_origins) {
            return within("its allowedOrigins must be among those of your token".into());
        }
        Ok(())
    }

    fn require_not_lifted(&self, changed: &Settings) -> Result<(), Refusal> {
        let lifts = |what: &str| {
            Err(Refusal::Forbidden(format!("You cannot lift a restriction of your own API token: {what}.")))
        };
        if !self.held.allowed_cidr_blocks.cover(&changed.allowed_cidr_blocks) {
            return lifts("allowedCIDRBlocks can only be narrowed");
        }
        if !self.held.allowed_origins.cover(&changed.allowed_origins) {
            return lifts("allowedOrigins can only be narrowed");
        }
        if self.held.on_reuse == ReusePolicy::Revoke && changed.on_reuse != ReusePolicy::Revoke {
            return lifts("onReuse stays REVOKE");
        }
        if changed.on_leak < self.held.on_leak {
            return lifts("onLeak can only become stricter");
        }
        Ok(())
    }
}

/// Whether `bounds` allow every address and origin that `settings` allow.
fn within_restrictions(settings: &Settings, bounds: &Settings) -> bool {
    bounds.allowed_cidr_blocks.cover(&settings.allowed_cidr_blocks)
        && bounds.allowed_origins.cover(&settings.allowed_origins)
}

fn missing_permission(held: Permissions, wanted: Permissions) -> Option<Permission> {
    wanted.iter().find(|permission| !held.contains(*permission))
}

fn missing_scope<'s>(held: &Scopes, wanted: &'s Scopes) -> Option<&'s str> {
    wanted.iter().find(|scope| !held.cover(scope))
}

#[cfg(test)]
mod tests;
