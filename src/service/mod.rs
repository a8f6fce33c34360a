//! The use cases, one a file: authorise, decide by the rules of `domain`, change in one transaction, answer.
//!
//! Every value that is presented, as a credential or to be verified, is judged by one function without I/O, in `judge`. A [`Caller`]
//! is created from a judged value in one place. Each operation reads the time once, at its top, from the database's clock (R17).

mod audit;
mod caller;
mod campaign;
mod database;
mod delivery;
mod error;
mod import;
mod judge;
mod mail;
mod metrics;
mod notice;
mod operator;
mod policy;
mod report_leak;
mod state;
mod token;
mod value_use;
mod verify;

pub use crate::domain::error_code::ErrorCode;
pub use crate::domain::invalid_input::InvalidInput;
pub use crate::domain::token::ImportCandidate;
pub use audit::{AuditConditions, AuditPage, AuditRequest};
pub use caller::{Caller, StreamPermit};
pub use campaign::{CampaignPage, CampaignToken, CampaignTokenPage, CampaignTokenRequest};
pub use database::Readiness;
pub use delivery::Attempt;
pub use error::Error;
pub use import::{ImportOutcome, ImportRequest, ImportedToken, MAX_IMPORTS};
pub use judge::RequestContext;
pub use mail::{MailAttempt, MailDigestConnection, MailDigestPageRequest, MailOutcome};
pub use metrics::{MAX_OWNERS, TokenCounts};
pub use notice::{
    DeliveryConnection, DeliveryPageRequest, IssuedSecret, IssuedWebhook, WebhookConnection, WebhookPageRequest,
};
pub use operator::{Backup, BackupError, RestoreRequest, Restored, RetireSince, RetiredValues, back_up, restore};
pub use policy::Policy;
pub use report_leak::{LeakReport, MAX_REPORTED_BYTES};
pub use state::Service;
pub(crate) use token::token_id;
pub use token::{
    Connection, CreateRequest, Issued, MAX_ROTATIONS, PageRequest, ReviveRequest, Revocations, RevokeManyRequest,
    RotateManyRequest, RotateRequest, RotationOutcome, Rotations, View, cursor,
};
pub use value_use::{NamedUsers, Rehearsal, RotationRehearsal, StillInUse};
pub use verify::{MAX_VERIFICATIONS, Verification, VerifyRequest};
