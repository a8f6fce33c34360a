//! What a caller may do: permissions, and the rule that no one lifts themselves (R11).

use super::id::TokenId;
use super::permissions::Permissions;
use super::refusal::Refusal;
use super::scope::Scopes;
use super::token::{Permission, Token};

/// What a caller holds. Taken from the caller's token at the moment of the operation, never remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    id: TokenId,
    permissions: Permissions,
    scopes: Scopes,
}

impl Authority {
    /// The authority that this token gives its holder.
    pub fn of(token: &Token) -> Self {
        let settings = &token.settings;
        Self { id: token.id, permissions: settings.permissions, scopes: settings.scopes.clone() }
    }

    /// The caller's own token.
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// Whether the caller holds this permission.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], naming the permission.
    pub fn require(&self, permission: Permission) -> Result<(), Refusal> {
        if self.permissions.contains(permission) {
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

    /// Whether the caller holds all that a token holds or shall hold: to make a token, or to learn its value, is to hold
    /// what it holds (R11).
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], naming the first permission or scope that the caller lacks.
    pub fn require_all(&self, permissions: &Permissions, scopes: &Scopes) -> Result<(), Refusal> {
        let missing = |what: &str, name: &str| {
            Refusal::Forbidden(format!("You cannot give or learn what you do not hold: the {what} {name}."))
        };
        if let Some(permission) = permissions.iter().find(|permission| !self.permissions.contains(*permission)) {
            return Err(missing("permission", permission.as_str()));
        }
        let uncovered = scopes.iter().find(|scope| !self.scopes.cover(scope));
        uncovered.map_or(Ok(()), |scope| Err(missing("scope", scope)))
    }
}
