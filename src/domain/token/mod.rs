//! What a token is: its facts, its settings, and what may be asked for when it is created or changed.

mod actor;
mod change;
mod draft;
mod facts;
mod kind;
mod permission;
mod scope;
mod settings;

pub use actor::{Actor, ActorKind};
pub use change::SettingsChange;
pub use draft::{DEFAULT_OVERLAP_MINUTES, Limits, MAX_SCOPES, SettingsDraft};
pub use facts::{Salt, Token, ValueFacts};
pub use kind::TokenKind;
pub use permission::{Permission, Permissions};
pub use scope::{MalformedScope, Scope, Scopes};
pub use settings::{OverlapStart, ReusePolicy, Settings};
