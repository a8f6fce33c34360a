//! Queries that are answered without the executing library, if nothing has to wait.
//!
//! There are two, because services send them many times a second, and the library takes several times as long as the use case: it
//! copies the document, traverses it again, and creates a future per field. The responses are identical, which a test compares. Queries
//! of any other form, with fields that are not listed in [`fields`], or that need waiting are left to the library.

mod current_token;
pub(crate) mod fields;
pub(crate) mod query;
mod verification;
