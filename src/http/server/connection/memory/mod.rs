//! The memory that a connection can make the server hold: what is counted, and against which budget.

mod budget;
mod charge;
mod request_body;
mod response_body;

pub(crate) use budget::{Budget, Purpose};
#[cfg(test)]
pub(super) use charge::Charge;
pub(crate) use request_body::{RequestBody, TooSlow};
pub(crate) use response_body::{SharedBody, bounded};
