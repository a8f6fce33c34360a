//! Finding the tokens of which a deadline is to be announced, and how far that is done. One replica does it at a time, because it locks the
//! row of the deadline.

mod candidates;
mod position;

pub use position::SweepPosition;
