//! Bounding the memory that clients can make the server hold: the bodies that count, and the budget.

mod budget;
mod charge;
mod request_body;
mod response_body;

pub(crate) use budget::{Budget, Purpose};
#[cfg(test)]
pub(super) use charge::Charge;
pub(crate) use request_body::{RequestBody, TooSlow};
pub(crate) use response_body::{SharedBody, bounded};
