//! A rotation: one statement or one transaction (R7).

mod chain;
pub(super) mod rotate;
mod statement;
