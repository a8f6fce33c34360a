//! Importing tokens whose values were issued elsewhere: a batch of them is one transaction, in which each is new, or was imported
//! before.

mod batch;
mod file;
mod request;

pub use batch::ImportOutcome;
pub use request::{ImportRequest, ImportedToken, MAX_IMPORTS};
