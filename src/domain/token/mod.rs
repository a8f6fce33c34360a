//! What a token is: its facts, its settings, and what may be asked for when it is created or changed.

mod actor;
mod draft;
mod facts;
mod kind;
mod overlap_and_reuse;
mod permission;
mod scope;
mod settings;

pub use actor::{Actor, ActorKind};
pub use draft::{Limits, SettingsDraft};
pub use facts::{Salt, Token, ValueFacts};
pub use kind::TokenKind;
pub use overlap_and_reuse::{OverlapStart, ReusePolicy};
pub use permission::{Permission, Permissions};
pub use scope::{MalformedScope, Scope, Scopes};
pub use settings::{DEFAULT_OVERLAP_MINUTES, MAX_SCOPES, Settings, SettingsChange};
