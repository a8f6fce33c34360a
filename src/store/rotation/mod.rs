//! Writing a rotation: one statement, or one transaction (R7).

mod retire_values;
pub(super) mod rotate;
mod statement;
