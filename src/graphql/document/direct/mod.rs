//! Queries that are answered without the executing library, if nothing has to wait.

pub(crate) mod verification;
