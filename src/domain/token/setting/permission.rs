//! What a token may do to Rotakey, as a set in one byte because each remembered token has one.

use std::fmt;

use crate::domain::text::names;

/// What a token may do to Rotakey itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Read every API token.
    ApiTokenRead,
    /// Create, update, rotate and revoke API tokens.
    ApiTokenModify,
    /// Ask whether a value is valid.
    ApiTokenVerify,
    /// Read the audit log.
    AuditLogRead,
    /// Manage webhooks and mail digests.
    WebhookModify,
}

names! {
    Permission {
        ApiTokenRead => "API_TOKEN_READ",
        ApiTokenModify => "API_TOKEN_MODIFY",
        ApiTokenVerify => "API_TOKEN_VERIFY",
        AuditLogRead => "AUDIT_LOG_READ",
        WebhookModify => "WEBHOOK_MODIFY",
    }
}

/// A set of permissions: a bit for each.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions(u8);

// One too many for the bits does not compile.
const _: () = assert!(Permission::ALL.len() <= u8::BITS as usize);

impl Permissions {
    /// Whether this one is among them.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & bit(permission) != 0
    }

    /// Whether all of these are among them.
    pub fn contain_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// The permissions in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

fn bit(permission: Permission) -> u8 {
    1 << permission as u8
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | bit(permission)))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        // Every set there is, by the bits of a number.
        for number in 0..1_usize << Permission::ALL.len() {
            let put = |at: &usize| number >> at & 1 == 1;
            let expected: Vec<Permission> =
                (0..Permission::ALL.len()).filter(put).map(|at| Permission::ALL[at]).collect();
            let set: Permissions = expected.iter().rev().chain(&expected).copied().collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), expected);
            assert_eq!(set.is_empty(), expected.is_empty());
            for other in 0..1_usize << Permission::ALL.len() {
                let other = Permissions(u8::try_from(other).unwrap());
                assert_eq!(set.contain_all(other), other.iter().all(|permission| set.contains(permission)));
            }
            for permission in Permission::ALL {
                assert_eq!(set.contains(*permission), expected.contains(permission), "{permission:?} in {set:?}");
            }
        }
    }
}
