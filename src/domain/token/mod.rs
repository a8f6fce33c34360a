//! What a token is: its facts, its settings, and what may be asked for when it is created or changed.

mod actor;
mod draft;
mod facts;
mod import;
mod setting;
mod settings;

pub use actor::{Actor, ActorKind};
pub use draft::{Limits, SettingsDraft};
pub use facts::{Salt, Token, ValueFacts};
pub use import::{Import, ImportCandidate, ImportDraft, ImportFingerprint};
pub use setting::{
    LeakPolicy, MAX_METADATA_BYTES, MAX_METADATA_ENTRIES, MAX_METADATA_KEY_LENGTH, MalformedScope, Metadata,
    OverlapEnd, OverlapStart, Permission, Permissions, ReusePolicy, Scope, Scopes, TokenKind,
};
pub use settings::{DEFAULT_OVERLAP_MINUTES, DEFAULT_SILENT_MINUTES, MAX_SCOPES, Settings, SettingsChange};
