//! The use cases, one a file: authorise, decide by the rules of `domain`, change in one transaction, answer.
//!
//! Every value that comes in, as a credential or to be verified, is judged by one function without I/O, in `judge`, and a
//! [`Caller`] is made of a judged value in one place. Time is read once an operation, at its top, and is that of the database (R17).

mod audit;
mod caller;
mod create;
mod database;
mod end_overlap;
mod error;
mod judge;
mod operator;
mod paging;
mod policy;
mod read;
mod revoke;
mod rotate;
mod state;
mod update;
mod verify;
mod view;

pub use crate::domain::error_code::ErrorCode;
pub use audit::{AuditPage, AuditRequest};
pub use caller::{Caller, StreamPlace};
pub use create::CreateRequest;
pub use database::Readiness;
pub use error::Error;
pub use judge::Visit;
pub use operator::RetiredValues;
pub use paging::{Connection, PageRequest};
pub use policy::Policy;
pub use rotate::RotateRequest;
pub use state::Service;
pub use verify::Verification;
pub(crate) use view::token_id;
pub use view::{Issued, View};
