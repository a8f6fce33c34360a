//! What a caller may do: permissions, and the rule that no one lifts themselves (R11).

use crate::domain::id::TokenId;
use crate::domain::refusal::Refusal;
use crate::domain::token::{Permission, Permissions, ReusePolicy, Scopes, Settings, Token};

/// What a caller holds. Taken from the caller's token at the moment of the operation, never remembered.
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

    /// As [`Authority::require`], but anyone may do it to their own token.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], naming the permission.
    pub fn require_unless_own(&self, permission: Permission, target: TokenId) -> Result<(), Refusal> {
        if self.id == target { Ok(()) } else { self.require(permission) }
    }

    /// Whether the caller may make a token of these settings, or rotate another's: either way they learn a value, and so hold
    /// what the token holds (R11). Permissions come with the caller's own bounds: otherwise a token that is about to expire, or
    /// bound to one network, could make or take over a twin that is not.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], naming the first permission or scope that the caller lacks, or the bound that is exceeded.
    pub fn require_to_issue(&self, settings: &Settings) -> Result<(), Refusal> {
        self.require_all(settings)?;
        if settings.permissions.is_empty() { Ok(()) } else { self.require_within_bounds(settings) }
    }

    /// Whether the caller may change this token to these settings: they hold all that it holds before and after, hand on
    /// permissions within their own bounds only, and do not lift their own restrictions (R11). A change that neither adds a
    /// permission nor widens a restriction is not bound by where the token already lies.
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

    /// Whether the caller may take values from this token: revoke it, or end its overlap. Their own they always may; another's
    /// needs every permission that it holds, so that no lesser token locks out a greater (R11).
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
        Ok(())
    }
}

/// Whether every place that these settings allow is allowed by those.
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
