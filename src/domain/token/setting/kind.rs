//! Who holds a token.

use crate::domain::text::names;

/// Who holds the token, and so who may rotate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Held by a server: may rotate itself and may hold permissions.
    Private,
    /// Shipped in a page or an app, where anyone can copy it: holds scopes only and is rotated by someone else.
    Public,
}

names! {
    TokenKind {
        Private => "PRIVATE",
        Public => "PUBLIC",
    }
}
