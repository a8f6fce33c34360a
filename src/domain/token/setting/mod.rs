//! The settings that have a type of their own, one a file.

mod kind;
mod metadata;
mod overlap_and_reuse;
mod permission;
mod scope;

pub use kind::TokenKind;
pub use metadata::{MAX_METADATA_BYTES, MAX_METADATA_ENTRIES, MAX_METADATA_KEY_LENGTH, Metadata};
pub use overlap_and_reuse::{LeakPolicy, OverlapEnd, OverlapStart, ReusePolicy};
pub use permission::{Permission, Permissions};
pub use scope::{MalformedScope, Scope, Scopes};
